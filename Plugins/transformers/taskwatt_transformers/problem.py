"""Errors for a person to read."""

import os
import traceback

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


def place(error):
    """Where it was raised: file and line, the file with its directory."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "an unknown place"
    directory, name = os.path.split(frames[-1].filename)
    return f"{os.path.join(os.path.basename(directory), name)}, line {frames[-1].lineno}"
