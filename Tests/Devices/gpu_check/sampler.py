"""Reads NVML as fast as it is told to, in a process of its own: sampler.py LIBRARY.

A line of JSON on standard input, each with an "id", and one on standard output: {"select": {"address": "00000000:17:00.0"}},
{"start": {"energy": 0.001, …}} with the seconds between two reads of each quantity, {"stop": true} which answers with the changes
that were seen. Both answer once the energy counter has moved, so that there is an update before what comes between them and one after
it. Times are CLOCK_MONOTONIC, which is one for all processes.
"""

import ctypes
import json
import os
import select
import sys
import time

import nvml

# A counter that does not move for so long is not waited for.
LONGEST_WAIT_S = 2.5

class Reader:
    """One quantity: its changes, how long its calls take, and the statuses that were no success."""

    def __init__(self, read, interval):
        self.read, self.interval = read, interval
        self.changes, self.failures = [], {}
        self.last = self.last_time = None
        self.gaps, self.calls = [], []
        self.due = 0.0

    def sample(self):
        begin = time.monotonic()
        status, value = self.read()
        end = time.monotonic()
        if status != nvml.SUCCESS:
            self.failures[str(status)] = self.failures.get(str(status), 0) + 1
            return
        now = (begin + end) / 2
        self.calls.append(end - begin)
        if self.last_time is not None:
            self.gaps.append(now - self.last_time)
        if value != self.last:
            self.changes.append((now if self.last_time is None else self.last_time, now, value))
        self.last, self.last_time = value, now

    def result(self, words):
        calls, gaps = sorted(self.calls), sorted(self.gaps)
        return {
            "changes": self.changes, "end": self.last_time, "reads": len(calls),
            "step_s": gaps[len(gaps) // 2] if gaps else None,
            "call_s": calls[len(calls) // 2] if calls else None, "slowest_call_s": calls[-1] if calls else None,
            "failures": {words(int(status) if status != "None" else None): count for status, count in self.failures.items()},
        }


class Sampler:
    def __init__(self, path):
        self.library = nvml.Library(path)
        self.device = self.library.device(0)
        self.readers = {}

    def reads(self):
        library, device = self.library, self.device
        energy, power = ctypes.c_ulonglong(), ctypes.c_uint()
        to_energy, to_power = ctypes.byref(energy), ctypes.byref(power)
        get_energy = getattr(library.library, "nvmlDeviceGetTotalEnergyConsumption", None)
        get_power = getattr(library.library, "nvmlDeviceGetPowerUsage", None)

        def field(number):
            def read():
                status, value = library.field(device, number)
                return status, value / 1000
            return read

        return {
            "energy": lambda: (get_energy(device, to_energy) if get_energy else None, energy.value / 1000),
            "usage": lambda: (get_power(device, to_power) if get_power else None, power.value / 1000),
            "average": field(nvml.FIELD_AVERAGE), "instant": field(nvml.FIELD_INSTANT),
        }

    def answer(self, message):
        if "select" in message:
            self.device = self.library.device_at(message["select"]["address"])
            return self.library.facts(self.device)
        if "start" in message:
            reads = self.reads()
            self.readers = {name: Reader(reads[name], interval) for name, interval in message["start"].items()}
            self.sample_past(time.monotonic())
            return {}
        self.sample_past(time.monotonic())
        readers, self.readers = self.readers, {}
        return {name: reader.result(self.library.words) for name, reader in readers.items()}

    def sample(self):
        """Reads what is due. Returns the seconds until the next is; what was missed is not made up for."""
        now = time.monotonic()
        for reader in self.readers.values():
            if reader.due <= now:
                reader.sample()
                reader.due = max(reader.due + reader.interval, now)
        return min(reader.due for reader in self.readers.values()) - time.monotonic()

    def sample_past(self, moment):
        """Samples until each quantity has been read after a moment and the counter has moved after it."""
        for reader in self.readers.values():
            reader.due = 0.0
        counter = self.readers.get("energy")
        while True:
            wait = self.sample()
            has_moved = counter is None or counter.last_time is None or counter.changes[-1][0] >= moment and len(counter.changes) > 1
            if has_moved or time.monotonic() - moment > LONGEST_WAIT_S:
                return
            time.sleep(max(0, wait))

    def serve(self):
        unread = b""
        while True:
            wait = self.sample() if self.readers else None
            # A sleep is finer than the timeout of select().
            if wait is not None and wait > 0:
                time.sleep(wait)
            if not select.select([0], [], [], None if wait is None else 0)[0]:
                continue
            more = os.read(0, 65536)
            if not more:
                return
            unread += more
            while b"\n" in unread:
                text, _, unread = unread.partition(b"\n")
                message = json.loads(text)
                try:
                    answer = {"result": self.answer(message)}
                except nvml.NVMLError as error:
                    answer = {"error": str(error)}
                print(json.dumps({"id": message["id"], **answer}), flush=True)


if __name__ == "__main__":
    try:
        sampler = Sampler(sys.argv[1])
    except nvml.NVMLError as problem:
        sys.exit(str(problem))
    print(json.dumps({"id": 0, "result": sampler.library.facts(sampler.device)}), flush=True)
    sampler.serve()
