"""The windows that are measured: a load in pulses, with all that reads beside it."""

import datetime
import json
import os
import pathlib
import shutil
import sys
import time
from dataclasses import dataclass, field

from .analysis import Series
from .workers import Limit, StepError, Worker

HERE = pathlib.Path(__file__).resolve().parent
# nvidia-smi's own names; an older one knows the first alone.
SMI_FIELDS = {"power.draw": "smi", "power.draw.average": "smi-average", "power.draw.instant": "smi-instant"}
SMI_STEP_MS = 20
FAST = {"energy": 0.001, "usage": 0.001, "average": 0.001, "instant": 0.001}
# A counter loses nothing between two reads; powers that are added up are read well within their periods.
SLOW = {"energy": 0.02, "usage": 0.002, "average": 0.002, "instant": 0.002}


@dataclass
class Window:
    """One load with idle before and after it, and what was read meanwhile. Times are CLOCK_MONOTONIC in seconds."""

    seconds: float
    period_s: float
    duty: float
    begin: float = 0.0
    end: float = 0.0
    load_begin: float = 0.0
    load_end: float = 0.0
    pulses: list = field(default_factory=list)
    products: int = 0
    series: dict = field(default_factory=dict)
    calls: dict = field(default_factory=dict)
    taskwatt: dict | None = None
    problems: list = field(default_factory=list)


class Smi:
    """nvidia-smi in a loop of its own."""

    def __init__(self, program, index, folder, environment, limit):
        self.fields = list(SMI_FIELDS)
        self.readings = []
        self.worker = None
        # Into a pipe it would write when its buffer is full.
        at_once = ["stdbuf", "--output=L"] if shutil.which("stdbuf") else []
        while True:
            command = [
                *at_once, program, f"--query-gpu=timestamp,{','.join(self.fields)}", "--format=csv,noheader,nounits",
                f"--loop-ms={SMI_STEP_MS}", f"--id={index}",
            ]
            self.worker = Worker("nvidia-smi", command, folder, environment)
            first = ""
            try:
                moment, first = self.worker.timed_line(limit)
                self.readings = [self.parse(moment, first)]
            except StepError:
                pass
            if self.readings and self.readings[0][1]:
                return
            self.worker.kill()
            if len(self.fields) == 1:
                raise StepError(f"nvidia-smi tells no power: {first.strip() or self.worker.words}")
            self.fields = self.fields[:1]

    def parse(self, moment, line):
        """(CLOCK_MONOTONIC, {series: W}) of a line that came at a moment; what is [N/A] is left out.

        Its own time is in local time, such as 2026/01/31 12:00:00.123. One that is far from when the line came is in another zone.
        """
        stamp, *values = line.split(",")
        found = {}
        for name, text in zip(self.fields, values):
            try:
                found[SMI_FIELDS[name]] = float(text)
            except ValueError:
                pass
        try:
            own = datetime.datetime.strptime(stamp.strip(), "%Y/%m/%d %H:%M:%S.%f").timestamp() - time.time() + time.monotonic()
        except ValueError:
            own = moment
        return own if abs(own - moment) < 10 else moment, found

    def series(self, begin, end, limit):
        while self.readings[-1][0] < end:
            moment, line = self.worker.timed_line(limit)
            self.readings.append(self.parse(moment, line))
        # From the last before the window to the first after it.
        near = [one for one in self.readings if begin - 1 <= one[0] <= end + 1]
        self.readings = near
        names = sorted({name for _, values in near for name in values})
        return {name: Series.of([(moment, values[name]) for moment, values in near if name in values]) for name in names}

    def close(self):
        self.worker.kill()


class Bench:
    """The real one: a sampler of NVML, a load, and as wanted nvidia-smi and `taskwatt measure`, each a process of its own."""

    def __init__(self, folder, library):
        self.folder, self.library = str(folder), library
        self.sampler = self.load = self.smi = None
        # How `taskwatt measure` is called, without its command: set once there is a meter for it.
        self.measure, self.measure_environment = None, None
        self.gpu, self.facts = {}, {}

    def start_sampler(self, limit):
        command = [sys.executable, "-B", HERE / "sampler.py", self.library]
        self.sampler = Worker("sampler", command, self.folder)
        self.gpu = self.sampler.answer(limit)
        return self.gpu

    def start_load(self, python, program, device, limit):
        self.load = Worker("load", [python, "-B", program or HERE / "load.py", device], self.folder)
        self.facts = self.load.answer(limit)
        address = self.facts.get("pci_address")
        if address and self.sampler:
            # PyTorch counts GPUs by their speed, and NVML by their bus.
            self.gpu = self.sampler.ask({"select": {"address": address}}, limit)
        return self.facts

    def start_smi(self, program, index, environment, limit):
        self.smi = Smi(program, index, self.folder, environment, limit)

    def stop_smi(self):
        if self.smi:
            self.smi.close()
            self.smi = None

    def window(self, seconds, period_s=1.0, duty=0.0, reads=FAST, lead_s=1.2, tail_s=1.2, compare=False, limit=None):
        """Measures one window. Without a duty nothing runs in it.

        - compare: `taskwatt measure` and nvidia-smi measure it too
        - Raises StepError where the sampler or the load cannot go on; what fails besides is in the window's problems
        """
        limit = limit or Limit(seconds + lead_s + tail_s + 30)
        window = Window(seconds, period_s, duty)
        self.sampler.ask({"start": reads}, limit)
        measuring = self.begin_measure(window, limit) if compare and self.measure else None
        try:
            window.begin = time.monotonic()
            time.sleep(min(lead_s, limit.left))
            window.load_begin = time.monotonic()
            if duty > 0:
                ran = self.load.ask({"seconds": seconds, "period_s": period_s, "duty": duty}, limit)
                window.pulses, window.products = ran["pulses"], ran["products"]
            else:
                time.sleep(min(seconds, limit.left))
            window.load_end = time.monotonic()
            time.sleep(min(tail_s, limit.left))
            window.end = time.monotonic()
        finally:
            if measuring:
                self.end_measure(measuring, window, limit)
        for name, found in self.sampler.ask({"stop": True}, limit).items():
            if found["reads"]:
                window.series[name] = Series(found["changes"], found["end"], found["reads"], found["step_s"])
            window.calls[name] = {key: found[key] for key in ("reads", "step_s", "call_s", "slowest_call_s", "failures")}
        if compare and self.smi:
            try:
                window.series.update(self.smi.series(window.begin, window.end, limit.within(10)))
            except StepError as error:
                window.problems.append(str(error))
        return window

    def begin_measure(self, window, limit):
        """`taskwatt measure` of a `cat`, which lasts as long as its input is open."""
        output = os.path.join(self.folder, "measure.json")
        worker = None
        try:
            worker = Worker("taskwatt-measure", [*self.measure, "--force", "--output", output, "--", "cat"], self.folder, self.measure_environment)
            worker.send("begun")
            worker.line(limit.within(20))
            return worker, output
        except StepError as error:
            window.problems.append(str(error))
            if worker:
                worker.kill()
            return None

    def end_measure(self, measuring, window, limit):
        worker, output = measuring
        status = worker.close(limit.within(20))
        try:
            with open(output, encoding="utf-8") as file:
                window.taskwatt = json.load(file)
            os.remove(output)
        except (OSError, ValueError) as error:
            window.problems.append(f"taskwatt measure ended with {status} and left no result: {worker.words}; {error}")

    def stop_load(self):
        """Gives the device back: a GPU may be for one process at a time, and a context costs idle power."""
        if self.load:
            self.load.kill()
            self.load, self.facts = None, {}

    def close(self):
        self.stop_load()
        if self.sampler:
            self.sampler.kill()
        self.stop_smi()
