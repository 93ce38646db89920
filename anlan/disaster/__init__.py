"""二 大减灾: reduction, forest, flood, quake."""
