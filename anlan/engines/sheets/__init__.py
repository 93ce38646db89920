"""Workbooks: typed cells out and in, with faults by row and column."""
