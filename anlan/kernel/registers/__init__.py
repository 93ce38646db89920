"""Registers: what a room keeps, who sees and writes it. Lists, forms, sheets, layers and the interface are drawn from it in faces."""

from .register import ALL, Register, find, href_of, of

__all__ = ["ALL", "Register", "find", "href_of", "of"]
