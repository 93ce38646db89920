"""Judging the readings of a sensor network: state in arrays, rules as profiles, events out. No Django, no database.

Reading order: `layout` (what is kept of a channel, what a profile says), `judge` (the loop over a batch) with its
readable twin in `twin`, `windows` (rolling sums), `groups` (k of n, neighbours), `net` (all of it as one machine whose
state follows from its log).
"""
