"""The one exception that is meant for people."""


class Refused(Exception):
    """This cannot be done now, or not by this person; the message says why, in the user's language."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field
