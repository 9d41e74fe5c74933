"""A collector with its record, and machines that send to it."""
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid

from . import bundles
from .network import Cable
from .records import PATIENCE, Failure, asked


class Fleet:
    def __init__(self, program, directory, make):
        """`make` makes the record, of the collector's own directory."""
        self.program, self.directory = program, pathlib.Path(directory)
        self.expected, self.agents, self.process, self.lock = {}, 0, None, threading.Lock()
        self.senders = []
        self.kills = self.caught = self.crowd = 0
        self.certificates()
        self.state = self.directory / "collector"
        self.record = make(self.state)
        self.port = self.free_port()
        address = "0.0.0.0" if Cable.isThere else "127.0.0.1"
        self.config = self.write("collector.yaml", {"collect": {
            "address": f"{address}:{self.port}", "certificate": f"{self.directory}/server.pem",
            "key": f"{self.directory}/server.key"}} | self.record.settings)
        self.must("collect", "init", "--state-dir", self.state)
        self.start()
        self.token = self.enrol("fleet")
        machines = json.loads(self.must("collect", "machines", "--json", "--state-dir", self.state))
        # The other is its pseudonym.
        self.host = next(name for name in machines[0]["machines"] if not name.startswith("machine-"))

    @staticmethod
    def free_port():
        """The system gives it to nobody who asks for any."""
        while True:
            port = random.randrange(20_000, 32_000)
            try:
                socket.create_server(("127.0.0.1", port)).close()
                return port
            except OSError:
                pass

    def write(self, name, value):
        path = self.directory / name
        path.write_text(json.dumps(value))
        return path

    def certificates(self):
        def make(name, *more):
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                 "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", *more],
                cwd=self.directory, check=True, stderr=subprocess.DEVNULL)
            os.chmod(self.directory / f"{name}.key", 0o600)
        make("ca")
        make("server", "-CA", "ca.pem", "-CAkey", "ca.key", "-addext", f"subjectAltName=IP:127.0.0.1,IP:{Cable.ADDRESS}")

    def environment(self, config):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TASKWATT_", "XDG_", "STATE_", "PG"))}
        return kept | {"HOME": str(self.directory), "TASKWATT_CONFIG": str(config)}

    def run(self, *arguments, config=None, **more):
        return subprocess.run(
            [self.program, *map(str, arguments)], env=self.environment(config or self.config), text=True, capture_output=True,
            timeout=PATIENCE, **more)

    def must(self, *arguments, **more):
        result = self.run(*arguments, **more)
        if result.returncode:
            raise Failure("died", f"taskwatt {' '.join(map(str, arguments[:3]))} ends with {result.returncode}: {result.stderr.strip()}")
        return result.stdout

    # The collector

    def start(self):
        with open(self.directory / "collector.log", "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "collect", "serve", "--state-dir", str(self.state)], env=self.environment(self.config),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failure("died", f"the collector ended with {self.process.returncode}; see {self.directory}/collector.log")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Failure("hangs", "the collector does not listen")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def is_alive(self):
        if self.process.poll() is not None:
            raise Failure("died", f"the collector ended with {self.process.returncode}; see {self.directory}/collector.log")

    def end(self):
        for process in [*self.senders, *([self.process] if self.process else [])]:
            process.kill()
            process.wait()

    def invite(self, name):
        return self.must("collect", "enroll", name, "--state-dir", self.state).strip()

    def enrol(self, name):
        self.invitation = self.invite(name)
        path = self.directory / f"{name}.token"
        self.must("enroll", f"https://127.0.0.1:{self.port}", "--token-file", path, "--ca-file", self.directory / "ca.pem",
                  input=self.invitation + "\n")
        return path

    def met(self, choice, sender):
        """Waits for a moment to do harm: at any time, or just after a bundle begins to come; and counts whether one was on its way."""
        incoming, pending = (self.state / "bundles" / folder for folder in ("incoming", "pending"))
        if choice.random() < 0.3:
            time.sleep(choice.uniform(0, 0.6))
        else:
            before, end = incoming.stat().st_mtime_ns, time.monotonic() + PATIENCE
            while sender.poll() is None and time.monotonic() < end and incoming.stat().st_mtime_ns == before:
                time.sleep(0.001)
            time.sleep(choice.choice((0, choice.uniform(0, 0.01), choice.uniform(0, 0.05))))
        self.kills += 1
        self.caught += bool(os.listdir(incoming) or os.listdir(pending))

    # Machines

    def suites(self, choice, count, host=None):
        """Files with a suite each, by the suite's name, and how much energy is in it."""
        made = {}
        for _ in range(count):
            name, watts = str(uuid.UUID(int=choice.getrandbits(128), version=4)), choice.randint(50, 150)
            path = self.directory / f"{name}.tar.zst"
            path.write_bytes(bundles.bundle(name, host or self.host, watts))
            made[name] = (path, bundles.energy(watts))
        return made

    def expect(self, suites):
        with self.lock:
            self.expected |= {name: energy for name, (_, energy) in suites.items()}

    def agent(self, suites, port=None, host="127.0.0.1", inside=()):
        """A machine with these suites to send."""
        with self.lock:
            self.agents += 1
            number = self.agents
        state = self.directory / f"agent-{number}"
        config = self.write(f"agent-{number}.yaml", {"collector": {
            "url": f"https://{host}:{port or self.port}", "token_file": str(self.token), "ca_file": f"{self.directory}/ca.pem"}})
        self.must("import", "bundle", *(path for path, _ in suites.values()), "--state-dir", state, config=config)
        self.expect(suites)
        return Agent(self, state, config, list(suites), list(inside))

    # What is there at the end

    def ledger(self, sql, damage=()):
        return asked(self.state / "collector.sqlite", sql, damage)

    def has(self, suite):
        return suite in dict(self.ledger("SELECT uuid, sha256 FROM bundled_suite"))

    def check(self):
        """Whoever starts it next finds everything there."""
        self.is_alive()
        self.kill()
        self.start()
        end = time.monotonic() + PATIENCE
        while any(os.listdir(self.state / "bundles" / folder) for folder in ("pending", "incoming")):
            if time.monotonic() > end:
                raise Failure("hangs", "bundles are left that are not in the record")
            time.sleep(0.1)
        self.compare()

    def compare(self, record=(), ledger=()):
        """Every suite is there once, with its windows, and so is its bundle. What is damaged is damaged for this look alone."""
        rows = self.record.rows(
            "SELECT uuid, status, (SELECT count(*) FROM run WHERE suite_run_id = suite_run.id), "
            "(SELECT sum(energy_uj) FROM run WHERE suite_run_id = suite_run.id), (SELECT count(*) FROM import) FROM suite_run", record)
        there = [row[0] for row in rows]
        if len(there) != len(set(there)):
            raise Failure("twice", "a suite is there twice")
        if missing := set(self.expected) - set(there):
            raise Failure("lost", f"{len(missing)} suites are lost, such as {min(missing)}")
        if more := set(there) - set(self.expected):
            raise Failure("foreign", f"{len(more)} suites are there that nobody sent, such as {min(more)}")
        for uuid, *row in rows:
            whole = ["completed", bundles.WINDOWS, self.expected[uuid], len(rows)]
            if row != whole:
                kind = "twice" if row[1] > whole[1] or row[3] > whole[3] else "torn"
                raise Failure(kind, f"the suite {uuid} is not whole: {row}, and not {whole}")
        samples = self.record.samples()
        if samples is not None and (torn := [name for name, count in samples.items() if count != bundles.SAMPLES]):
            raise Failure("torn", f"samples of the suite {torn[0]} are missing, or there twice")
        known = self.ledger("SELECT uuid, sha256 FROM bundled_suite", ledger)
        if sorted(name for name, _ in known) != sorted(there):
            raise Failure("ledger", "the ledger and the record have different suites")
        files = {path.name.split(".")[0]: path for path in (self.state / "bundles").glob("??/??/*.tar.zst")}
        if sorted(files) != sorted(digest for _, digest in known):
            raise Failure("files", "the ledger and the disk have different bundles")
        for digest, path in files.items():
            if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                raise Failure("files", f"{path} is not what its name says")

    def prove(self):
        """Harms what is there in every way, and sees that it is found."""
        name = min(self.expected)
        path = min((self.state / "bundles").glob("??/??/*.tar.zst"))
        whole, elsewhere = path.read_bytes(), self.directory / "elsewhere"
        harms = [
            ("torn", {"record": ["DELETE FROM run WHERE id = (SELECT max(id) FROM run)"]}),
            ("torn", {"record": ["UPDATE run SET energy_uj = energy_uj + 1 WHERE id = (SELECT max(id) FROM run)"]}),
            ("twice", {"record": self.record.doubled}),
            ("lost", {"record": [f"DELETE FROM suite_run WHERE uuid = '{name}'"]}),
            ("foreign", {"record": ["INSERT INTO suite_run (uuid, machine_id, suite, suite_text, options, machine_state,"
                                    " taskwatt_version, started_at, status, source) SELECT 'x', machine_id, suite, suite_text, options,"
                                    f" machine_state, taskwatt_version, started_at, status, source FROM suite_run WHERE uuid = '{name}'"]}),
            ("ledger", {"ledger": [f"DELETE FROM bundled_suite WHERE uuid = '{name}'"]}),
        ]
        for kind, damage in harms:
            self.finds(kind, damage)
        path.write_bytes(whole[:-1])
        self.finds("files", {})
        path.rename(elsewhere)
        self.finds("files", {})
        elsewhere.unlink()
        path.write_bytes(whole)
        self.compare()
        return len(harms) + 2

    def finds(self, kind, damage):
        try:
            self.compare(**damage)
        except Failure as failure:
            if failure.kind == kind:
                return
            raise
        raise Failure("script", f"nobody finds what is {kind}: {damage}")

    def clean(self):
        """What has been checked needs no room."""
        self.senders = [process for process in self.senders if process.poll() is None]
        for path in self.directory.glob("agent-*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
        for path in self.directory.glob("*.tar.zst"):
            path.unlink()


class Agent:
    def __init__(self, fleet, state, config, suites, inside):
        self.fleet, self.state, self.config, self.suites, self.inside = fleet, state, config, suites, inside

    def begin(self, *words, log=subprocess.DEVNULL):
        process = subprocess.Popen(
            [*self.inside, self.fleet.program, *words, "--state-dir", str(self.state)], env=self.fleet.environment(self.config),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.fleet.senders.append(process)
        return process

    def send(self):
        return self.begin("send", *self.suites)

    def waiting(self):
        """What it has still to send, and whether that was refused."""
        return dict(asked(self.state / "taskwatt.sqlite", "SELECT suite_run, parked FROM outbox"))

    def refused(self):
        if any(self.waiting().values()):
            raise Failure("refused", f"refused: {asked(self.state / 'taskwatt.sqlite', 'SELECT suite_run, problem FROM outbox')}")

    def finish(self):
        """Until all is sent. What the collector refused is no success."""
        end = time.monotonic() + PATIENCE
        while True:
            # Names that are sent already would be put in again; whoever was killed may not have put them in.
            result = self.fleet.run("send", *self.suites, "--state-dir", self.state, config=self.config)
            self.refused()
            if result.returncode == 0:
                if left := self.waiting():
                    raise Failure("lies", f"`taskwatt send` ends well, and {left} waits")
                return
            if time.monotonic() > end:
                raise Failure("hangs", f"not sent: {result.stdout} {result.stderr}")
            time.sleep(0.2)
