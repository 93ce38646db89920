"""Worlds: the real city, exercises and replays; each with its own clock, records and seed."""
