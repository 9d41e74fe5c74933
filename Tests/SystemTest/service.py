"""What the checks ask of the installed service: its API, its record, and suites that take as long as a check needs."""

import json
import shlex

from installation import MEMBER, UNIT
from report import expect

SOCKET = "/run/taskwatt/taskwatt.sock"
RECORD = "/var/lib/taskwatt/taskwatt.sqlite"
METER = "hwmon/ltc4215-i2c-0-44/power1"
# Finished windows of a suite, what tables are made of.
REPEATS = "FROM run JOIN suite_run ON suite_run.id = suite_run_id WHERE stage = 'query' AND run.status = 'completed'"


class Service:
    def __init__(self, machine):
        self.machine = machine

    def get(self, path):
        """JSON of the API, as a member of the group asks for it."""
        return json.loads(self.text(path))

    def text(self, path):
        return self.machine.run_as(
            MEMBER, f"curl --silent --show-error --fail --unix-socket {SOCKET} {shlex.quote('http://localhost' + path)}").stdout

    def process(self):
        return self.machine.text(f"systemctl show --property=MainPID --value {UNIT}")

    def is_up(self):
        return self.machine.text(f"systemctl is-active {UNIT}", check=False) == "active"

    def sql(self, query):
        """Asked of the record beside the daemon, by a program that is not ours."""
        return self.machine.text(f"sqlite3 -readonly {RECORD} {shlex.quote(query)}")

    def repeats(self, suite_run):
        """The finished repeats that the record has of a suite."""
        return int(self.sql(f"SELECT count(*) {REPEATS} AND uuid = '{suite_run}'"))

    # ---- Suites

    def schedule(self, name, repeats, calendar="yearly", retries=0, command="sleep 0.25"):
        """A schedule of a suite whose every inference is a command. One that sleeps for a moment measures the machine."""
        suite = (
            f"name: {name}\nrepeats: {repeats}\nretries: {retries}\nidle_s: 1\nidle_after_s: 0\n"
            "warm_up: {inferences: 1, seconds: 0}\n"
            "runs:\n  - {task: custom, plugin: command, model: " + name +
            ", count: 4, parameters: {command: " + command + "}}\n")
        self.machine.run(f"cat >/root/{name}.yaml", input=suite)
        self.machine.run(
            f"taskwatt schedule add {name} --force --suite /root/{name}.yaml --on-calendar {shlex.quote(calendar)}")

    def submit(self, name):
        """Puts a schedule's suite into the queue, and returns its job's number."""
        self.machine.run_as(MEMBER, f"taskwatt schedule submit {name}")
        return self.jobs(name)[0]["id"]

    def jobs(self, name):
        """Those of a schedule, the latest first."""
        return self.get(f"/v1/jobs?schedule={name}")

    def job(self, number):
        return self.get(f"/v1/jobs/{number}")

    def wait(self, number, *states, timeout=180):
        """The job, once it is in one of the states."""
        def there():
            job = self.job(number)
            return job if job["state"] in states else None

        return self.machine.wait_for(f"job {number} is {' or '.join(states)}", there, timeout)

    def watch(self, number, repeats, timeout=120):
        """Waits until so many repeats of a running job have been reported. Returns its suite's name in the record, and them."""
        def there():
            job = self.job(number)
            expect(job["state"] in ("queued", "running"), f"job {number} is {job['state']} too early: {job['failures']}")
            count = self.repeats(job["suite_run"]) if job.get("suite_run") else 0
            return (job["suite_run"], count) if count >= repeats else None

        return self.machine.wait_for(f"job {number} has reported {repeats} repeats", there, timeout)
