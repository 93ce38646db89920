"""Columns: what one column of a register is, how it is read and written, masked and narrowed by."""


class Undeclared(ValueError):
    """A register, an indicator or a form names what does not exist."""
