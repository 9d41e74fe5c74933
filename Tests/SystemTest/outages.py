"""What goes wrong in a laboratory: a daemon, a plugin and a machine that are gone in the middle of a run."""

from installation import UNIT
from measuring import row
from report import expect

# Longer than any of these takes.
LONG = 200


def cut_off(service, job, reported, suite_run):
    """Checks a job that was cut off, and returns how many of its repeats are kept."""
    ended = service.wait(job, "interrupted", "completed", "failed", "skipped", timeout=60)
    expect(ended["state"] == "interrupted", f"the job is {ended['state']}: {ended['failures']}")
    state = service.sql(f"SELECT status FROM suite_run WHERE uuid = '{suite_run}'")
    expect(state == "interrupted", f"the suite is recorded as {state}")
    kept = service.repeats(suite_run)
    expect(kept >= reported, f"{reported} repeats were reported, and {kept} are kept")
    return kept


def integrity(service):
    judged = service.sql("PRAGMA integrity_check; PRAGMA foreign_key_check")
    expect(judged == "ok", f"sqlite3 says of the record: {judged}")


def daemon_killed(report, machine, service):
    with report.check("kill -9 of the daemon: it is back, finished repeats are kept, the queue goes on") as seen:
        job = service.submit("long")
        suite_run, reported = service.watch(job, 3)
        waiting = service.submit("short")
        process = service.process()
        machine.run(f"kill -KILL {process}")
        machine.wait_for(
            "systemd has started it again", lambda: service.process() not in ("0", process) and service.is_up())
        kept = cut_off(service, job, reported, suite_run)
        expect(service.wait(waiting, "completed", "failed")["state"] == "completed", "the job that waited failed")
        left = machine.text("pgrep -x command || true")
        expect(not left, f"a plugin of the old daemon lives: process {left}")
        integrity(service)
        restarts = machine.text(f"systemctl show --property=NRestarts --value {UNIT}")
        seen(f"{restarts} restart; {reported} repeats reported, {kept} kept; job {waiting} completed")


def plugin_killed(report, machine, service):
    with report.check("kill -9 of a plugin: its suite fails and says so, the daemon goes on") as seen:
        process = service.process()
        job = service.submit("long")
        suite_run, reported = service.watch(job, 2)
        machine.run("pkill -KILL -x command")
        ended = service.wait(job, "failed", "completed", "interrupted")
        expect(ended["state"] == "failed" and ended["failures"], f"the job is {ended['state']}: {ended['failures']}")
        state, error = service.sql(f"SELECT status, error FROM suite_run WHERE uuid = '{suite_run}'").split("|", 1)
        expect(state == "failed" and "command" in error, f"is recorded as {state}: {error}")
        expect(service.repeats(suite_run) >= reported, "finished repeats are lost")
        expect(service.process() == process, "the daemon is another process")
        expect(service.wait(service.submit("short"), "completed", "failed")["state"] == "completed", "the next job failed")
        seen(ended["failures"][0])


def rebooted(report, machine, service):
    with report.check("a reboot: the service is back by itself, with its record, its queue and its timers") as seen:
        before = row(machine, "short")["n"]
        job = service.submit("long")
        suite_run, reported = service.watch(job, 2)
        waiting = service.submit("short")
        machine.reboot()
        machine.wait_for("the service is up", service.is_up, 60)
        kept = cut_off(service, job, reported, suite_run)
        expect(service.wait(waiting, "completed", "failed")["state"] == "completed", "the job that waited failed")
        after = row(machine, "short")["n"]
        expect(after == before + 1, f"the table had {before} repeats of short, and has {after}")
        timers = machine.text("systemctl list-timers --all --no-pager")
        expect("taskwatt-schedule@long.timer" in timers, f"the timer is gone: {timers}")
        seen(f"{reported} repeats reported, {kept} kept; job {waiting} completed")


def unplugged(report, machine, service):
    with report.check("pulling the plug: the record is whole, finished repeats are there, the suite is tried again") as seen:
        service.schedule("stubborn", repeats=LONG, retries=1)
        job = service.submit("stubborn")
        suite_run, reported = service.watch(job, 5)
        machine.pull_plug()
        machine.start()
        machine.wait_for("the service is up", service.is_up, 60)
        integrity(service)
        state = service.sql(f"SELECT status FROM suite_run WHERE uuid = '{suite_run}'")
        expect(state == "interrupted", f"the suite is recorded as {state}")
        kept = service.repeats(suite_run)
        expect(kept >= reported, f"{reported} repeats were reported, and {kept} are kept")
        again, _ = service.watch(job, 1)
        expect(again != suite_run, "it goes on under the suite that was cut off")
        machine.run(f"taskwatt cancel {job}")
        expect(service.wait(job, "cancelled", "interrupted", "completed", "failed")["state"] == "cancelled", "it cannot be cancelled")
        seen(f"integrity_check ok; {reported} repeats reported, {kept} kept; tried again")


def check(report, machine, service):
    service.schedule("long", repeats=LONG)
    service.schedule("short", repeats=1)
    daemon_killed(report, machine, service)
    plugin_killed(report, machine, service)
    rebooted(report, machine, service)
    unplugged(report, machine, service)
