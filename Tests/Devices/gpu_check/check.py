"""The steps, each with a limit of its own: what fails is written down, and the next one begins."""

import contextlib
import glob
import gzip
import importlib.util
import json
import os
import pathlib
import platform
import shutil
import site
import subprocess
import sys
import time

from . import nvml, report, windows
from .bench import Bench
from .program import Program, unpack
from .workers import Limit, StepError, run, run_json

HERE = pathlib.Path(__file__).resolve().parent
# What is left of the budget for writing. Steps have their own limits, and what waits without one is cut off a little later.
RESERVE_S, CUT_OFF_S = 5, 2
WHOLE_BUDGET_S = 420


class OutOfTime(Exception):
    """The budget is spent, wherever that came about."""


class Skip(Exception):
    """A step has nothing to do, and why."""


class Check:
    def __init__(self, options, folder, tell=print):
        self.options, self.folder, self.tell = options, pathlib.Path(folder), tell
        self.whole = Limit(max(1.0, options.budget - RESERVE_S))
        self.plan = windows.Plan(options.scale or options.budget / WHOLE_BUDGET_S)
        self.program = self.bench = None
        self.fast_windows, self.slow_windows = [], []
        self.record = {
            "format": 1, "begun": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "budget_s": options.budget, "device": options.device,
            "python": f"{platform.python_version()} {sys.executable}", "steps": [],
        }

    # (name, limit in seconds, what it does). The most telling come first.
    @property
    def steps(self):
        return [
            ("kernel", 5, self.kernel), ("program", 40, self.unpack), ("nvml", 40, self.nvml), ("hardware", 20, self.hardware),
            ("meters", 20, self.meters), ("doctor", 30, self.doctor), ("nvidia-smi", 20, self.nvidia_smi), ("idle", 40, self.idle),
            ("load", 120, self.load), ("sensors", 150, self.sensors), ("compare", 160, self.compare), ("polling", 40, self.polling),
            ("model", 180, self.model),
        ]

    def run(self):
        try:
            for name, seconds, step in self.steps:
                if not self.options.steps or name in self.options.steps:
                    # Who gives more time in all is not in a hurry with a part.
                    self.take(name, seconds * max(1, self.options.budget / WHOLE_BUDGET_S), step)
                    # Whoever lent the machine may take it back at any time.
                    self.write(self.options.output)
        finally:
            if self.bench:
                self.bench.close()

    def take(self, name, seconds, step):
        begin = time.monotonic()
        status, words = "done", ""
        self.tell(f"{self.whole.spent:5.0f} s  {name}")
        try:
            if self.whole.left < 1:
                raise Skip("the budget is spent")
            words = step(self.whole.within(seconds)) or ""
        except Skip as reason:
            status, words = "skipped", str(reason)
        except StepError as error:
            status, words = "failed", str(error)
        except OutOfTime:
            status, words = "failed", "the budget was spent before it was done"
        except Exception as error:  # A fault of our own costs its step, and says where.
            trace, at = error.__traceback__, ""
            while trace:
                at = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
                trace = trace.tb_next
            status, words = "failed", f"{type(error).__name__}: {error} ({at})"
        self.record["steps"].append({"name": name, "status": status, "seconds": time.monotonic() - begin, "words": words})
        if status != "done":
            self.tell(f"         {status}: {words}")

    # MARK: The machine

    def kernel(self, limit):
        uname = " ".join(os.uname())
        found = self.record["kernel"] = {"uname": uname, "sandbox": None, "hwmon": os.path.isdir("/sys/class/hwmon")}
        try:
            found["version"] = pathlib.Path("/proc/version").read_text(encoding="utf-8").strip()
        except OSError as error:
            found["version"] = f"cannot be read: {error.strerror}"
        # gVisor's log begins with "Starting gVisor..." (pkg/sentry/kernel/syslog.go).
        try:
            log = subprocess.run(["dmesg"], capture_output=True, text=True, timeout=limit.left, errors="replace", check=False).stdout
            if "gVisor" in log:
                found["sandbox"] = "gVisor"
        except (OSError, subprocess.TimeoutExpired):
            pass
        return uname

    def unpack(self, limit):
        if self.options.program:
            path = pathlib.Path(self.options.program).resolve()
        elif self.options.beside:
            path = self.options.beside
        else:
            if not os.path.isfile(self.options.archive):
                raise StepError(f"there is no {self.options.archive}; run make-gpu-check, or name one with --archive or a --program")
            path = unpack(self.options.archive, self.folder / "unpacked")
        self.program = Program(path, self.folder)
        self.record["taskwatt_version"] = run([path, "--version"], limit, self.program.environment).strip()
        return str(path)

    @property
    def taskwatt(self):
        if self.program is None or "taskwatt_version" not in self.record:
            raise Skip("there is no program that starts")
        return self.program

    def listing(self, limit, *arguments, ok=(0,)):
        return run_json(self.taskwatt.command(*arguments), limit, self.taskwatt.environment, ok)

    def hardware(self, limit):
        self.record["hardware"] = self.listing(limit, "hardware", "--json")

    def meters(self, limit):
        found = self.record["meters"] = self.listing(limit, "meters", "--json")
        usable = [meter["meter"]["id"] for meter in found if meter.get("available")]
        self.record["meter_id"] = self.meter_of(self.record.get("gpu") or {}, found)
        return f"{len(usable)} of {len(found)} can be read: {', '.join(usable)}"

    @staticmethod
    def meter_of(gpu, listed):
        """The id of Taskwatt's meter of a GPU: by its PCI address, whose domain NVML writes with eight digits, or by its UUID."""
        ours = [one["meter"] for one in listed if one.get("available") and one["meter"]["id"].startswith("nvml/")]
        marks = [mark.lower() for mark in ((gpu.get("pci_address") or "")[-12:], gpu.get("uuid") or "") if mark]
        for meter in ours:
            if any(mark in f"{meter['id']} {meter.get('silicon')}".lower() for mark in marks):
                return meter["id"]
        return ours[0]["id"] if ours else None

    def doctor(self, limit):
        found = self.record["doctor"] = self.listing(limit, "doctor", "--json", ok=(0, 1))
        return ", ".join(f"{check['id']} {check['verdict']}" for check in found if check.get("verdict") != "pass")

    # MARK: The GPU

    def nvml(self, limit):
        packages = [*site.getsitepackages(), site.getusersitepackages()]
        tried = self.record["nvml_tried"] = []
        for path in nvml.candidates(site_packages=packages):
            try:
                found = run_json([sys.executable, "-B", HERE / "nvml.py", path], limit)
            except StepError as error:
                tried.append({"library": path, "words": str(error)})
                continue
            if not found["gpus"]:
                tried.append({"library": path, "words": "it sees no GPU"})
                continue
            # By that name Taskwatt finds it too.
            needs_path = path != nvml.NAME
            self.record["nvml"] = {**found, "needs_path": needs_path, "was_named": path == os.environ.get("TASKWATT_NVML")}
            if needs_path and self.program:
                self.program.nvml = path
            self.record["gpu"] = found["gpus"][0]
            return f"{path}, driver {found['driver']}, {len(found['gpus'])} GPUs"
        raise StepError("no NVML answers: " + "; ".join(f"{one['library']}: {one['words']}" for one in tried))

    def smi_program(self):
        library = (self.record.get("nvml") or {}).get("library", "")
        near = [os.path.join(os.path.dirname(library), "../bin/nvidia-smi")] if "/" in library else []
        for path in [shutil.which("nvidia-smi"), *near, "/usr/local/nvidia/bin/nvidia-smi"]:
            if path and os.access(path, os.X_OK):
                return os.path.normpath(path)
        raise StepError("there is no nvidia-smi")

    @property
    def smi_environment(self):
        """With the folder of an NVML that the loader does not know."""
        found = self.record.get("nvml") or {}
        if not found.get("needs_path"):
            return None
        search = [os.path.dirname(found["library"]), os.environ.get("LD_LIBRARY_PATH", "")]
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(part for part in search if part)}

    def nvidia_smi(self, limit):
        path = self.smi_program()
        words = run([path, "-q", "-d", "POWER,CLOCK,TEMPERATURE,PERFORMANCE"], limit, self.smi_environment)
        self.record["nvidia_smi"] = {"program": path, "words": words[:20000]}
        return path

    def idle(self, limit):
        if "nvml" not in self.record:
            raise Skip("there is no NVML to read")
        self.bench = Bench(self.folder, self.record["nvml"]["library"])
        self.bench.start_sampler(limit)
        window = self.bench.window(self.plan.idle_s, lead_s=0, tail_s=0, limit=limit)
        self.record["idle_w"] = windows.idle_powers(window)
        self.keep_calls([window])
        return ", ".join(f"{name} {report.number(watts, 4)} W" for name, watts in self.record["idle_w"].items())

    @property
    def measured(self):
        if self.bench is None or self.bench.sampler is None:
            raise Skip("NVML is not read")
        return self.bench

    @property
    def loaded(self):
        if not self.measured.facts:
            raise Skip("there is no load")
        return self.bench

    def load(self, limit):
        bench = self.measured
        try:
            python = sys.executable if self.options.load else self.python("torch")
        except StepError:
            if self.options.device != "cpu":
                raise
            python = sys.executable
        self.record["load"] = bench.start_load(python, self.options.load, self.options.device, limit)
        self.record["gpu"] = bench.gpu
        if self.record.get("meters"):
            self.record["meter_id"] = self.meter_of(bench.gpu, self.record["meters"])
        # What the load's first products leave in a sensor that averages.
        time.sleep(min(2 * self.plan.lead_s, limit.left))
        window = bench.window(self.plan.idle_s / 2, lead_s=0, tail_s=0, limit=limit)
        self.record["idle_with_context_w"] = windows.idle_powers(window)
        return ", ".join(f"{name} {value}" for name, value in bench.facts.items())

    def python(self, *packages):
        """A Python that has these packages."""
        tried = dict.fromkeys(filter(None, [self.options.python or sys.executable, shutil.which("python3"), shutil.which("python")]))
        test = "import importlib.util as u, sys; sys.exit(any(u.find_spec(name) is None for name in sys.argv[1:]))"
        for python in [self.options.python] if self.options.python else tried:
            if python == sys.executable and all(importlib.util.find_spec(name) for name in packages):
                return python
            if subprocess.run([python, "-c", test, *packages], capture_output=True, check=False, timeout=30).returncode == 0:
                return python
        raise StepError(f"no Python here has {' and '.join(packages)}; name one with --python")

    # MARK: The windows

    def keep_calls(self, measured):
        calls = self.record.setdefault("calls", {})
        for window in measured:
            for name, call in window.calls.items():
                known = calls.setdefault(name, call)
                if (call["slowest_call_s"] or 0) > (known["slowest_call_s"] or 0):
                    known["slowest_call_s"] = call["slowest_call_s"]

    def sensors(self, limit):
        try:
            windows.characterise(self.loaded, self.plan, limit, self.tell_more, self.fast_windows)
        finally:
            self.keep_calls(self.fast_windows)
            self.record["sensors"] = windows.sensors(self.fast_windows)
            self.record["usage_is"] = windows.usage_is(self.fast_windows)
        return f"{len(self.fast_windows)} windows"

    def compare(self, limit):
        bench = self.loaded
        problems = []
        if self.record.get("meter_id"):
            bench.measure = self.taskwatt.command("measure", "--json", "--meter", self.record["meter_id"])
            bench.measure_environment = self.taskwatt.environment
        else:
            problems.append("Taskwatt has no meter of the GPU, so it measures nothing here")
        index = next((one["index"] for one in self.record["nvml"]["gpus"] if one.get("uuid") == bench.gpu.get("uuid")), 0)
        try:
            bench.start_smi(self.smi_program(), index, self.smi_environment, limit.within(20))
        except StepError as error:
            problems.append(str(error))
        try:
            windows.compare(bench, self.plan, self.record.get("sensors", {}), limit, self.tell_more, self.slow_windows)
        finally:
            bench.stop_smi()
            idle = self.record.get("idle_with_context_w", {})
            # nvidia-smi's names for the same sensors.
            idle |= {"smi": idle.get("usage"), "smi-average": idle.get("average"), "smi-instant": idle.get("instant")}
            self.record["windows"] = windows.rows(self.slow_windows, idle)
            self.record.setdefault("sensors", {}).update(windows.sensors(self.slow_windows, windows.SMI))
        problems += [problem for window in self.slow_windows for problem in window.problems]
        if problems:
            raise StepError(f"{len(self.slow_windows)} windows; " + "; ".join(dict.fromkeys(problems)))
        return f"{len(self.slow_windows)} windows"

    def polling(self, limit):
        self.record["polling"] = windows.polling(self.loaded, self.plan, limit)

    # MARK: The model

    def model(self, limit):
        program = self.taskwatt
        if self.bench:
            self.bench.stop_load()
        python = self.python("torch", "transformers")
        program.use_python(python)
        folder = self.folder / "small-model"
        run([python, "-B", HERE / "small_model.py", folder, program.plugins() / "transformers"], limit)
        count = max(5, int(500 * self.plan.scale))
        environment = {**program.environment, "TASKWATT_PLUGIN_PATH": str(program.plugins())}
        command = program.command(
            "run", "--task", "text-classification", "--plugin", "transformers", "--model", str(folder), "--device", self.options.device,
            "--count", str(count), "--repeats", str(3 if self.plan.scale > 0.4 else 1), "--idle", f"{max(0.2, 5 * self.plan.scale):.1f}",
            "--set", "samples=100", "--json")
        if self.options.device == "cpu":
            command += ["--threads", "1"]
        model = self.record["model"] = {"device": self.options.device, "count": count}
        try:
            model["table"] = run_json(command, limit, environment)
        except StepError:
            # The repeats that were done are in the record.
            with contextlib.suppress(StepError):
                model["table"] = run_json(program.command("table", "--json"), self.whole.within(10), environment)
            raise
        finally:
            model["rows"] = model.get("table", {}).get("rows", [])
        model["run"] = run(program.command("show", "last"), limit, environment)[:20000]

    def tell_more(self, text):
        self.tell(f"{self.whole.spent:5.0f} s    {text}")

    # MARK: What is written

    @property
    def has_measured(self):
        return bool(self.record.get("sensors") or self.record.get("windows"))

    def write(self, folder):
        """Writes gpu-check.json, gpu-check.md and, of the changes that were seen, samples.csv.gz. Returns their paths."""
        self.record["seconds"] = self.whole.spent
        self.record["findings"] = report.findings(self.record)
        os.makedirs(folder, exist_ok=True)
        files = {
            "gpu-check.json": (json.dumps(self.record, indent=1, ensure_ascii=False) + "\n").encode(),
            "gpu-check.md": report.markdown(self.record).encode(),
        }
        if self.fast_windows or self.slow_windows:
            files["samples.csv.gz"] = gzip.compress("".join(self.samples()).encode())
        for name, contents in files.items():
            path = os.path.join(folder, name)
            # Whole or not at all, however this ends.
            with open(path + ".new", "wb") as file:
                file.write(contents)
            os.replace(path + ".new", path)
        return [os.path.join(folder, name) for name in files]

    def samples(self):
        yield "window,kind,quantity,before_s,at_s,value\n"
        for number, window in enumerate(self.fast_windows + self.slow_windows):
            for on, off in window.pulses:
                yield f"{number},load,,{on:.6f},{off:.6f},\n"
            for name, series in window.series.items():
                for before, at, value in series.changes:
                    yield f"{number},value,{name},{before:.6f},{at:.6f},{value}\n"


def find_beside():
    """The program of an unpacked archive, of which this script is a part; None in a checkout."""
    found = glob.glob(str(HERE.parent / "program/bin/taskwatt"))
    return pathlib.Path(found[0]) if found else None
