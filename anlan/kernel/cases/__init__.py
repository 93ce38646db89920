"""Closed loops as data: the states a case may stand in, the moves between them, how long it may stand and why."""

from .flow import Flow, Limit, Move, Refused

__all__ = ["Flow", "Limit", "Move", "Refused"]
