"""Dispatch: a rung falls due, its attempts are planned, and the one door to the outside hands them to their carriers."""
