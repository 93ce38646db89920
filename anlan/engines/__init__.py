"""Pure calculation: one small module for each published method. No Django, no clock, no database."""
