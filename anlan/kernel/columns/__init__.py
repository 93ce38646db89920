"""Columns: what one column of a register is, how it is read and written, masked and narrowed by."""
