"""Answers: what comes back from those who were called, by key, link, page or on behalf; each kept, each counted once."""
