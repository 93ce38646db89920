"""The live feed: one event stream to every screen, read from the journal."""
