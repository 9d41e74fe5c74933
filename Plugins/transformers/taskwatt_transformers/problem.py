"""Errors for a person to read."""

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
UNAVAILABLE = 1  # Something that the plugin needs is not on this machine.
FAILED = 2  # The call is right and the work failed.


class Problem(Exception):
    """One line that says what is wrong, and one that says what the user can do about it."""

    def __init__(self, message, remedy=None, code=UNAVAILABLE):
        super().__init__(message)
        self.message, self.remedy, self.code = one_line(message), remedy and one_line(remedy), code


def one_line(text, limit=400):
    """The text of an error without its line breaks, cut to `limit` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def cause(error):
    """The error as a line: its text, or the name of its kind where it has none."""
    text = one_line(error)
    return text if text else type(error).__name__
