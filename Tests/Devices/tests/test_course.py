"""The whole course of windows and findings over a simulated GPU, and what happens where parts fail. No test waits for real time."""

import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

from simulated import IDLE_W, LOAD_W, Sensor, square

from gpu_check import check, load, nvml, program, report, windows, workers
from gpu_check.bench import Smi, Window


class SimulatedBench:
    """A GPU with an instant sensor and a counter of one period and window, and an average over a second."""

    def __init__(self, period=0.1, window=0.025):
        self.sensors = {
            "energy": Sensor(period, window, phase=0.0137, seed=1), "instant": Sensor(period, window, phase=0.0137, seed=1),
            "average": Sensor(period, 1.0, phase=0.0137, seed=2), "usage": Sensor(period, 1.0, phase=0.0137, seed=2),
        }
        self.time = 100.0
        self.facts = {"device": "simulated"}

    def window(self, seconds, period_s=1.0, duty=0.0, reads=None, lead_s=1.2, tail_s=1.2, compare=False, limit=None):
        result = Window(seconds, period_s, duty)
        result.begin, result.load_begin = self.time, self.time + lead_s
        result.load_end, result.end = result.load_begin + seconds, result.load_begin + seconds + tail_s
        if duty > 0:
            result.pulses = square(result.load_begin, result.load_end, period_s, duty)
            result.products = int(1000 * sum(off - on for on, off in result.pulses))
        for name, step in reads.items():
            sensor = self.sensors[name]
            # From a little before to a little after, as the real one is read.
            series = (sensor.energy if name == "energy" else sensor.power)(result.pulses, self.time - 0.3, result.end + 0.3, step)
            result.series[name] = series
            result.calls[name] = {"reads": series.reads, "step_s": step, "call_s": 1e-5, "slowest_call_s": 1e-4, "failures": {}}
        if compare:
            counter = windows.analysis.counted(result.series["energy"], result.begin, result.end)
            result.taskwatt = {
                "domains": [{"energy_j": counter * 1.002, "uncertainty_j": counter * 0.01, "coverage": 1, "flags": []}],
                "window": {"start_monotonic_s": result.begin, "end_monotonic_s": result.end, "duration_s": result.end - result.begin},
            }
        self.time = result.end + 1
        return result


def whole(bench):
    """The record of a whole course."""
    plan = windows.Plan(1)
    idle = windows.idle_powers(bench.window(plan.idle_s, reads=windows.FAST))
    fast = windows.characterise(bench, plan, None)
    record = {"steps": [], "sensors": windows.sensors(fast), "usage_is": windows.usage_is(fast), "idle_w": idle}
    slow = windows.compare(bench, plan, record["sensors"], None)
    record["windows"] = windows.rows(slow, idle)
    record["polling"] = windows.polling(bench, plan, None)
    record["meter_id"] = "nvml/0000:17:00.0"
    record["meters"] = [{"available": True, "meter": {"id": "nvml/0000:17:00.0", "kind": "counter", "period_s": 0.1}}]
    record["findings"] = report.findings(record)
    return record


def of_kind(record, kind, **values):
    return [one for one in record["findings"] if one["kind"] == kind and all(one.get(key) == value for key, value in values.items())]


class Course(unittest.TestCase):
    def test_a_gpu_that_looks_a_quarter_of_the_time(self):
        record = whole(SimulatedBench())
        for name, window in (("energy", 0.025), ("instant", 0.025), ("average", 1.0), ("usage", 1.0)):
            self.assertAlmostEqual(of_kind(record, "update-period", quantity=name)[0]["period_s"], 0.1, delta=0.002)
            self.assertAlmostEqual(of_kind(record, "averaging-window", quantity=name)[0]["window_s"] / window, 1, delta=0.05)
        self.assertEqual({one["quantity"] for one in of_kind(record, "part-time")}, {"energy", "instant"})
        self.assertEqual(of_kind(record, "usage-is")[0]["other"], "average")
        self.assertAlmostEqual(record["idle_w"]["energy"], IDLE_W, delta=1)
        # At its own period the counter sees the load always or never, whatever the duty.
        quarter = of_kind(record, "duty", duty=0.25)[0]
        self.assertGreater(quarter["most"] / max(quarter["least"], 1e-9), 1.5)
        ratio = of_kind(record, "taskwatt-ratio")[0]
        self.assertAlmostEqual(ratio["median"], 1.002, delta=1e-6)
        self.assertEqual(ratio["within"], ratio["of"])
        self.assertAlmostEqual(of_kind(record, "polling")[0]["ratio"], 1, delta=0.01)
        self.assertEqual(len(record["windows"]), 13)
        for name in ("usage", "average"):
            energy = of_kind(record, "energy-ratio", quantity=name)[0]
            self.assertLess(energy["least"], energy["most"])
        json.dumps(record)
        page = report.markdown(record)
        self.assertTrue(all(one["text"] in page for one in record["findings"]))

    def test_a_gpu_that_looks_all_the_time(self):
        record = whole(SimulatedBench(0.02, 0.02))
        self.assertEqual(of_kind(record, "part-time"), [])
        for duty in (0.1, 0.25, 0.5, 0.75):
            found = of_kind(record, "duty", duty=duty)[0]
            self.assertAlmostEqual(found["least"], 1, delta=0.05)
            self.assertAlmostEqual(found["most"], 1, delta=0.05)
        energy = of_kind(record, "energy-ratio", quantity="instant")[0]
        self.assertAlmostEqual(energy["least"], 1, delta=0.02)
        self.assertAlmostEqual(energy["most"], 1, delta=0.02)

    def test_a_short_plan_is_a_part_of_the_whole_one(self):
        whole_plan, short = windows.Plan(1), windows.Plan(0.05)
        self.assertLess(len(short.periods) + len(short.lengths_s) + len(short.duties), len(whole_plan.periods) + len(whole_plan.lengths_s))
        self.assertLess(short.window_s, whole_plan.window_s)


class Page(unittest.TestCase):
    def test_of_nothing(self):
        record = {"steps": [{"name": "nvml", "status": "failed", "seconds": 0.1, "words": "no NVML | here\nat all"}]}
        record["findings"] = report.findings(record)
        self.assertEqual([one["kind"] for one in record["findings"]], ["step-failed"])
        page = report.markdown(record)
        self.assertIn("no NVML \\| here at all", page)

    def test_a_window_that_explains_little_is_not_stated(self):
        sensor = {"period_s": 0.1, "spread_s": 0.001, "updates": 50, "is_upper_bound": False, "window_s": 0.03, "low_s": 0.01,
                  "high_s": 0.05, "lag_s": 0, "r2": 0.4, "share": 0.3}
        found = report.findings({"steps": [], "sensors": {"instant": sensor}})
        self.assertEqual([one["kind"] for one in found], ["update-period", "window-unclear"])

    def test_a_sandbox_and_refusals_are_findings(self):
        record = {
            "steps": [], "kernel": {"sandbox": "gVisor"},
            "calls": {"instant": {"reads": 0, "failures": {"Not Supported (status 3)": 10}}, "energy": {"reads": 5, "failures": {}}},
        }
        self.assertEqual([one["kind"] for one in report.findings(record)], ["sandbox", "refused"])


def options(**values):
    known = {"budget": 60, "device": "cpu", "steps": None, "program": None, "beside": None, "archive": "/nowhere/archive", "python": None,
             "load": None, "output": ".", "scale": None}
    return argparse.Namespace(**{**known, **values})


class Steps(unittest.TestCase):
    def run_check(self, **values):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return check.Check(options(output=f"{folder.name}/found", **values), folder.name, lambda text: None)

    def test_a_step_that_fails_is_written_down_and_the_next_begins(self):
        one = self.run_check()

        def fault(limit):
            return {}["missing"]

        def refused(limit):
            raise workers.StepError("the sandbox refuses it")

        def spent(limit):
            raise check.OutOfTime

        for name, step in (("fault", fault), ("refused", refused), ("spent", spent), ("good", lambda limit: "fine")):
            one.take(name, 10, step)
        self.assertEqual([step["status"] for step in one.record["steps"]], ["failed", "failed", "failed", "done"])
        self.assertIn("test_course.py", one.record["steps"][0]["words"])
        self.assertEqual(one.record["steps"][1]["words"], "the sandbox refuses it")

    def test_without_anything_each_step_says_what_it_lacks(self):
        one = self.run_check(steps=["program", "hardware", "idle", "sensors", "compare", "model"])
        one.run()
        self.assertTrue(pathlib.Path(one.options.output, "gpu-check.json").is_file(), "each step leaves what there is so far")
        found = {step["name"]: step for step in one.record["steps"]}
        self.assertIn("make-gpu-check", found["program"]["words"])
        self.assertEqual({name: found[name]["status"] for name in found}, {
            "program": "failed", "hardware": "skipped", "idle": "skipped", "sensors": "skipped", "compare": "skipped", "model": "skipped",
        })
        self.assertFalse(one.has_measured)
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual([pathlib.Path(file).name for file in one.write(folder)], ["gpu-check.json", "gpu-check.md"])

    def test_a_spent_budget_skips_what_is_left(self):
        one = self.run_check()
        one.whole = workers.Limit(0)
        one.take("late", 10, lambda limit: self.fail("it was begun"))
        self.assertEqual(one.record["steps"][0]["status"], "skipped")

    def test_the_meter_of_a_gpu_is_found_by_its_address(self):
        def listed(*names):
            return [{"available": True, "meter": {"id": name, "silicon": silicon}} for name, silicon in names]

        by_address = listed(("estimate/cpu", "cpu"), ("nvml/0000:17:00.0", "0000:17:00.0"), ("nvml/0000:b1:00.0", "0000:b1:00.0"))
        gpu = {"pci_address": "00000000:B1:00.0", "uuid": "GPU-b"}
        self.assertEqual(check.Check.meter_of(gpu, by_address), "nvml/0000:b1:00.0")
        self.assertEqual(check.Check.meter_of({}, by_address), "nvml/0000:17:00.0")
        self.assertEqual(check.Check.meter_of(gpu, listed(("nvml/GPU-a", "x"), ("nvml/GPU-b", "y"))), "nvml/GPU-b")
        self.assertIsNone(check.Check.meter_of(gpu, listed(("estimate/cpu", "0000:b1:00.0"))))


class Loads(unittest.TestCase):
    class Worker:
        """0.3 ms a product, on a clock that only it and sleeps move."""

        facts = {}

        def __init__(self):
            self.now = 100.0

        def work(self, products):
            self.now += 0.0003 * products

        def sleep(self, seconds):
            self.now += seconds + 0.0001

    def setUp(self):
        self.worker = self.Worker()
        self.load = load.Load(self.worker, lambda: self.worker.now, self.worker.sleep)

    def test_a_piece_of_work_is_about_a_millisecond(self):
        self.assertEqual(self.load.facts["products_a_piece"], 4)

    def test_pulses_are_told_as_they_were(self):
        ran = self.load.run(0.1, 0.01, 0.5)
        self.assertEqual(len(ran["pulses"]), 10)
        for on, off in ran["pulses"]:
            self.assertAlmostEqual(off - on, 0.005, delta=0.0013)
        # Products and the time that they take.
        self.assertAlmostEqual(sum(off - on for on, off in ran["pulses"]), 0.0003 * ran["products"], delta=1e-9)
        self.assertAlmostEqual(ran["pulses"][-1][0] - ran["pulses"][0][0], 0.09, delta=0.001)

    def test_without_a_pause_it_is_one_pulse(self):
        self.assertEqual(len(self.load.run(0.1, 10, 1.0)["pulses"]), 1)

    def test_pulses_that_come_too_late_are_left_out(self):
        held_up = [0.03]
        before = self.worker.work

        def work(products):
            before(products)
            if held_up:
                self.worker.now += held_up.pop()

        self.worker.work = work
        # The second and the third; the fourth begins when the first ends.
        self.assertEqual(len(self.load.run(0.1, 0.01, 0.5)["pulses"]), 7)

    def test_without_pytorch_the_cpu_multiplies_in_python(self):
        plain = load.Plain()
        plain.work(2)
        self.assertIsNone(plain.facts["torch"])


class Programs(unittest.TestCase):
    def test_the_plugins_python_does_not_see_the_libraries_beside_the_program(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder, "it's packed")
            plugin = root / "program/lib/taskwatt/plugins/transformers"
            plugin.mkdir(parents=True)
            for file in ("plugin.yaml", "requirements.txt"):
                (plugin / file).write_text(f"# {file}\n", encoding="utf-8")
            (root / "program/lib/libsensors.so.5").touch()
            one = program.Program(root / "program/bin/taskwatt", root, "/a/libnvidia-ml.so.1")
            environment = one.environment
            self.assertEqual(environment["LD_LIBRARY_PATH"].split(":")[0], str(root / "program/lib"))
            self.assertEqual(environment["TASKWATT_NVML"], "/a/libnvidia-ml.so.1")
            one.use_python(sys.executable)
            made = pathlib.Path(environment["TASKWATT_ENVIRONMENTS"], "transformers")
            self.assertEqual((made / "complete").read_text(encoding="utf-8"), "# requirements.txt\n")
            printed = subprocess.run(
                [made / "bin/python", "-c", "import os, sys; print(os.environ.get('LD_LIBRARY_PATH'), *sys.argv[1:])", "a b"],
                env=environment, capture_output=True, text=True, check=True).stdout
            self.assertNotIn("program/lib", printed)
            self.assertTrue(printed.endswith(" a b\n"))

    def test_what_is_no_archive_says_so(self):
        with tempfile.TemporaryDirectory() as folder:
            archive = pathlib.Path(folder, "archive")
            archive.write_bytes(b"not an archive")
            with self.assertRaisesRegex(workers.StepError, "cannot be unpacked"):
                program.unpack(archive, folder)
            with check.gzip.open(archive, "wb") as file:
                file.write(bytes(10240))
            with self.assertRaisesRegex(workers.StepError, "no program/bin/taskwatt"):
                program.unpack(archive, folder)


class Libraries(unittest.TestCase):
    def test_a_library_that_is_named_is_meant(self):
        self.assertEqual(nvml.candidates({"TASKWATT_NVML": "/a/b.so", "LD_LIBRARY_PATH": "/c"}), ["/a/b.so"])

    def test_the_loader_is_asked_first_and_then_folders_are_searched(self):
        with tempfile.TemporaryDirectory() as folder:
            for place in ("search", "packages/nvidia/ml/lib"):
                path = pathlib.Path(folder, place)
                path.mkdir(parents=True)
                (path / nvml.NAME).touch()
            found = nvml.candidates({"LD_LIBRARY_PATH": f"{folder}/search:{folder}/none"}, [f"{folder}/packages"])
            self.assertEqual(found[:2], [nvml.NAME, f"{folder}/search/{nvml.NAME}"])
            self.assertEqual(found[-1], f"{folder}/packages/nvidia/ml/lib/{nvml.NAME}")

    def test_what_is_no_library_says_so(self):
        with self.assertRaises(nvml.NVMLError):
            nvml.Library("/nowhere/libnvidia-ml.so.1")
        # One that has none of the functions.
        with self.assertRaises(nvml.NVMLError):
            nvml.Library("libc.so.6")

    def test_the_field_value_is_as_large_as_in_the_header(self):
        self.assertEqual(nvml.ctypes.sizeof(nvml.FieldValue), 40)
        self.assertEqual(nvml.ctypes.sizeof(nvml.PCI), 68)


class Processes(unittest.TestCase):
    def worker(self, program):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        one = workers.Worker("worker", [sys.executable, "-c", program], folder.name)
        self.addCleanup(one.kill)
        return one

    def test_one_that_crashes_is_heard(self):
        one = self.worker("import sys; sys.exit('the device is busy')")
        for _ in range(2):
            with self.assertRaisesRegex(workers.StepError, "status 1.*the device is busy"):
                one.answer(workers.Limit(60))

    def test_one_that_hangs_is_given_up_and_its_late_answer_passed_over(self):
        one = self.worker(
            "import sys\n"
            "first = sys.stdin.readline()\nsecond = sys.stdin.readline()\n"
            "print('{\"id\": 1, \"result\": \"late\"}')\nprint('{\"id\": 2, \"result\": \"in time\"}')")
        with self.assertRaises(workers.StepError):
            one.ask({}, workers.Limit(0.01))
        self.assertEqual(one.ask({}, workers.Limit(60)), "in time")

    def test_a_program_that_takes_too_long_or_fails_is_named(self):
        with self.assertRaisesRegex(workers.StepError, "sleep was not done"):
            workers.run(["sleep", "1000"], workers.Limit(0.01))
        with self.assertRaisesRegex(workers.StepError, "cannot be started"):
            workers.run(["/nowhere/taskwatt"], workers.Limit(60))
        with self.assertRaisesRegex(workers.StepError, "status 3: no such meter"):
            workers.run(["sh", "-c", "echo no such meter >&2; exit 3"], workers.Limit(60))
        with self.assertRaisesRegex(workers.StepError, "SIGSEGV"):
            workers.run(["sh", "-c", "kill -SEGV $$"], workers.Limit(60))
        with self.assertRaisesRegex(workers.StepError, "no JSON: hello"):
            workers.run_json(["echo", "hello"], workers.Limit(60))

    def test_an_older_nvidia_smi_is_asked_for_less(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "nvidia-smi")
            program.write_text(
                "#!/bin/sh\ncase $1 in *instant*) echo 'Field \"power.draw.average\" is not a valid field to query.'; exit 2;; esac\n"
                "for i in 1 2 3; do echo 2026/01/31 12:00:00.123, 99.5; done\n", encoding="utf-8")
            program.chmod(0o755)
            smi = Smi(str(program), 0, folder, None, workers.Limit(60))
            self.assertEqual(smi.fields, ["power.draw"])
            self.assertEqual(smi.parse(5.0, "2026/01/31 12:00:00.123, [N/A]"), (5.0, {}))
            self.assertEqual(smi.parse(5.0, "no time, 99.5"), (5.0, {"smi": 99.5}))
            now, clock = datetime.datetime.now(), time.monotonic()
            moment, values = smi.parse(clock + 3, f"{now:%Y/%m/%d %H:%M:%S.%f}, 99.5")
            self.assertEqual(values, {"smi": 99.5})
            self.assertLess(moment, clock + 2, "by its own time, not by when it came")
            smi.close()
            program.write_text("#!/bin/sh\necho No devices were found\nexit 6\n", encoding="utf-8")
            with self.assertRaisesRegex(workers.StepError, "No devices were found"):
                Smi(str(program), 0, folder, None, workers.Limit(60))


if __name__ == "__main__":
    unittest.main()
