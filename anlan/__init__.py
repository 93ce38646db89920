"""Anlan 安澜: a city's emergency management, in one command."""

__version__ = "0.1.0"
