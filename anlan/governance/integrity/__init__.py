"""Integrity (item 41). 中国共产党党内监督条例. What stands here is for few eyes."""
