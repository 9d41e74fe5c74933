"""What the benchmarks that time one program after the other have in common."""
import os
import subprocess
import sys
import time
import typing


class Taken(typing.NamedTuple):
    seconds: float
    # The most that was resident, in bytes.
    memory: int
    # User and system; what else a machine does makes it little longer.
    processor: float


def measure(command, **environment):
    """What a command takes (wait4)."""
    start = time.monotonic()
    # Days are those of the record, wherever this runs.
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "TZ": "UTC", **environment})
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    if status:
        sys.exit(f"`{' '.join(map(str, command))}` failed: {said.strip()}")
    return Taken(seconds, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime)


def percentile(values):
    """The 95th, of values in their order."""
    return values[min(len(values) - 1, round(0.95 * (len(values) - 1)))]
