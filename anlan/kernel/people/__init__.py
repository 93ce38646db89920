"""People: areas and units as trees, posts held by persons with dates, grants, and the scope of every query."""
