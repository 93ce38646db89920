"""Ideas, goals, classes (item 44)."""
