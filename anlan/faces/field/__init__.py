"""The phone pages of village information officers and other responders: plain words, large targets, works off-line."""
