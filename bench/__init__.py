"""The promised figures, measured. ``python -m bench [name …]``; each module says what it measures and against what."""
