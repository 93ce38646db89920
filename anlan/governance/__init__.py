"""四 党建与内控: governance and internal control."""
