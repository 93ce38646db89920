"""Anlan 安澜: a city's emergency management in one process."""

__version__ = "0.1.0"
