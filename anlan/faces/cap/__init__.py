"""Warnings as messages: the public feed, each message at its address, and the door by which others' come in."""
