"""三 大应急: command, duty, rescue, support."""
