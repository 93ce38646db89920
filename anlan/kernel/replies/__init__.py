"""Replies: a number that comes with a form or a request is worked once and answered again."""
