"""A scheduled suite runs and lands in the table, and everything can be taken out again."""

import csv
import io
import subprocess

from installation import MEMBER
from metering import chip_power
from report import expect


def table(machine):
    return machine.json("taskwatt table --format json --by model")["rows"]


def row(machine, model):
    found = [one for one in table(machine) if one["models"] == [model]]
    expect(len(found) == 1, f"the table has {len(found)} rows of {model}")
    return found[0]


def check(report, machine, service):
    with report.check("a schedule is a timer, for the administrator alone") as seen:
        refused = machine.run_as(MEMBER, "taskwatt schedule add mine --suite tiny --on-calendar daily", check=False)
        expect(refused.returncode == 1 and "administrator" in refused.stderr, f"a member is told {refused.stderr!r}")
        service.schedule("halfminutely", repeats=2, calendar="*:*:00/30")
        timers = machine.text("systemctl list-timers --no-pager")
        expect("taskwatt-schedule@halfminutely.timer" in timers, f"systemctl list-timers has no such timer: {timers}")
        listed = machine.json("taskwatt schedule list --json")
        expect([one["name"] for one in listed] == ["halfminutely"], f"is listed as {listed}")
        # While its submission runs, a timer has no next time.
        machine.wait_for(
            "its next time is known", lambda: machine.json("taskwatt schedule list --json")[0].get("next_unix_s"), 30)
        seen("taskwatt-schedule@halfminutely.timer")

    with report.check("it fires by itself, and lands in the table as measured") as seen:
        job = machine.wait_for("the timer has queued a job", lambda: service.jobs("halfminutely"), 90)[-1]
        done = service.wait(job["id"], "completed", "failed", "interrupted", "skipped")
        expect(done["state"] == "completed", f"job {job['id']} is {done['state']}: {done['failures']}")
        machine.run("taskwatt schedule remove halfminutely")
        one = row(machine, "halfminutely")
        expect((one["provenance"], one["scope"]) == ("measured", "system"), f"is {one['provenance']}, {one['scope']}")
        # An emulated processor may be late for samples, and what was not seen well enough is left out.
        expect(one["n"] >= 1 and one["coverage"] >= 0.99, f"n = {one['n']}, coverage {one['coverage']}")
        # All that the machine took for as long as it slept.
        power = one["mean_kwh"] * 3.6e6 / 1000 / one["latency_s"]
        expect(abs(power - chip_power(64, 200)) < 0.1 * power, f"{power} W, and the chip says {chip_power(64, 200)} W")
        seen(f"{one['mean_kwh']:.3g} kWh per 1,000, n = {one['n']}, {one['scope']}, {one['provenance']}")

    with report.check("a removed schedule is gone") as seen:
        # The directory of schedules went with the last one.
        left = machine.text("systemctl list-timers --all --no-pager; ls /etc/systemd/system /etc/taskwatt")
        expect("halfminutely" not in left, f"is left: {left}")
        seen("no timer, no file")

    with report.check("a model of ONNX Runtime is measured") as seen:
        machine.run_as(
            MEMBER, "taskwatt run tiny --task text-classification --repeats 1 --count 1 --quiet", timeout=400)
        one = [one for one in table(machine) if one["size"] == "tiny"]
        expect(len(one) == 1 and one[0]["provenance"] == "measured", f"the table has {one}")
        seen(f"{one[0]['models'][0]}, {one[0]['mean_kwh']:.3g} kWh per 1,000, {one[0]['provenance']}")

    with report.check("the CSV export has every window") as seen:
        text = machine.run_as(MEMBER, "taskwatt export --format csv").stdout
        rows = list(csv.DictReader(io.StringIO(text)))
        wanted = int(service.sql("SELECT count(*) FROM run"))
        expect(len(rows) == wanted, f"{len(rows)} lines, and the record has {wanted} windows")
        queries = [one for one in rows if one["stage"] == "query" and one["model"] == "halfminutely"]
        expect(len(queries) >= 2, f"{len(queries)} repeats of the scheduled suite")
        for one in queries:
            expect(one["provenance"] == "measured" and one["domains"].startswith("hwmon/"), f"a line is {one}")
            power = float(one["energy_j"]) / float(one["duration_s"]) / float(one["coverage"])
            expect(abs(power - chip_power(64, 200)) < 0.05 * power, f"a line has {power} W")
        seen(f"{len(rows)} lines, {len(rows[0])} columns")

    with report.check("promtool finds nothing in the metrics") as seen:
        metrics = service.text("/metrics")
        judged = subprocess.run(["promtool", "check", "metrics"], input=metrics, capture_output=True, text=True)
        expect(judged.returncode == 0 and not judged.stderr.strip(), judged.stderr)
        seen(f"{sum(not line.startswith('#') for line in metrics.splitlines())} figures")
