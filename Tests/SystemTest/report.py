"""What a test prints: a line for every check, with the time it took and what was seen."""

import contextlib
import time
import traceback

from machine import MachineError


class Failed(Exception):
    """What was seen is not what must be. One line."""


def expect(condition, message):
    if not condition:
        raise Failed(message)


class Report:
    def __init__(self):
        self.failures = []
        self.checks = 0
        self.start = time.monotonic()

    @contextlib.contextmanager
    def check(self, name):
        """One check: what the block gives to `seen` stands behind `ok`. A check that fails does not end the test."""
        start = time.monotonic()
        seen = []
        self.checks += 1
        try:
            yield lambda what: seen.append(" ".join(str(what).split()))
        except (Failed, MachineError) as error:
            self._line("FAILED", start, name, str(error))
            self.failures.append(name)
        except Exception as error:
            # An answer of another form than was thought is a failure of what answered, or of the test.
            at = traceback.extract_tb(error.__traceback__)[-1]
            self._line("FAILED", start, name, f"{type(error).__name__}: {error} ({at.filename}:{at.lineno})")
            self.failures.append(name)
        else:
            self._line("ok", start, name, "; ".join(seen))

    def _line(self, verdict, start, name, seen):
        print(f"{verdict:6} {time.monotonic() - start:5.0f} s  {name}: {seen}", flush=True)

    def summary(self):
        took = f"{(time.monotonic() - self.start) / 60:.1f} min"
        if self.failures:
            return f"{len(self.failures)} of {self.checks} checks failed ({took}): {', '.join(self.failures)}"
        return f"all {self.checks} checks passed ({took})"
