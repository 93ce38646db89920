"""Registers: one declaration gives list, form, Excel, map layer, interface and indicators."""

from .register import ALL, Register, find, href_of, of

__all__ = ["ALL", "Register", "find", "href_of", "of"]
