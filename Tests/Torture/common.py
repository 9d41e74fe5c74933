"""What the parts share: the program in a directory of its own, the daemon, requests, and the tally."""
import ctypes
import ctypes.util
import http.client
import json
import os
import pathlib
import random
import re
import resource
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Of address space, so that a hostile input ends a program that it makes grow, and not this machine.
ADDRESS_SPACE = 16 << 30
# Signals that a program does not send to itself when all is well. SIGKILL is what the kernel sends where memory ends.
CRASHES = {signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV, signal.SIGKILL, signal.SIGSYS}
# What a program says of a child that ended so, and Swift of a trap.
CRASH_TEXT = re.compile(rb"Fatal error|[Ss]ignal (?:4|5|6|7|8|11)\b|SIG(?:ILL|TRAP|ABRT|BUS|FPE|SEGV)|AddressSanitizer")
# A daemon that starts on a machine whose every core is taken by others.
START_PATIENCE = 60


class Unavailable(Exception):
    """A part that cannot be tried on this machine, and what it would take."""


class Ended:
    """How a program ended."""

    def __init__(self, status, output, error, hung, peak_kib, seconds):
        self.status, self.output, self.error = status, output, error
        self.hung, self.peak_kib, self.seconds = hung, peak_kib, seconds

    @property
    def crashed(self):
        if self.hung:
            return False
        return os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) in CRASHES or bool(CRASH_TEXT.search(self.error))

    @property
    def code(self):
        return os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else -os.WTERMSIG(self.status)


class Context:
    """A part: its program, directory, time, randomness, and what it found."""

    # How many times as long as usual everything may take.
    patience = 1

    def __init__(self, part, program, scratch, seed, seconds):
        self.part, self.program, self.scratch = part, program, scratch
        self.random = random.Random(f"{seed} {part}")
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.inputs, self.peak_kib, self.problems, self.note = 0, 0, [], ""
        self.alike = {}
        self.daemons = []
        for name in ("state", "cache", "config", "data", "home", "tmp"):
            (scratch / name).mkdir()
        self.state = scratch / "state"
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(scratch / "home"), "LANG": "C.UTF-8",
            "TMPDIR": str(scratch / "tmp"), "XDG_CONFIG_HOME": str(scratch / "config"),
            "XDG_DATA_HOME": str(scratch / "data"), "TASKWATT_STATE_DIR": str(self.state),
            "TASKWATT_CACHE_DIR": str(scratch / "cache"),
            # Else a backtracer takes seconds, and holds the pipes.
            "SWIFT_BACKTRACE": "enable=no",
        }
        for name in ("TASKWATT_ONNXRUNTIME", "LD_LIBRARY_PATH", "VIRTUAL_ENV"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def begin(self):
        """From now on the part's time counts: what is made ready is none of it, so that something is tried on any machine."""
        self.deadline = time.monotonic() + self.seconds

    @property
    def is_over(self):
        return time.monotonic() >= self.deadline

    def figures(self):
        count = lambda kind: sum(1 for problem in self.problems if problem[0] == kind)
        return (self.inputs, count("crash"), count("hang"), count("lost"),
                sum(1 for problem in self.problems if problem[0] not in ("crash", "hang", "lost")),
                f"{self.peak_kib / 1024:.0f}", self.note)

    def saw(self, kib):
        self.peak_kib = max(self.peak_kib, kib)

    def broke(self, kind, text, inputs=(), like=None):
        """Something broke: `crash`, `hang`, `lost`, or any other kind. `inputs` are files, or pairs of a name and bytes. Of those that are
        `like` each other all are counted and the first two kept."""
        number = len(self.problems) + 1
        self.problems.append((kind, text))
        self.alike[kind, like] = self.alike.get((kind, like), 0) + 1
        # The first hundred are enough to read.
        if number > 100 or like and self.alike[kind, like] > 2:
            return
        directory = ROOT / ".run/torture" / self.part / f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}-{number}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "what.txt").write_text(text + "\n", errors="backslashreplace")
        for item in inputs:
            if isinstance(item, tuple):
                (directory / item[0]).write_bytes(item[1])
            elif pathlib.Path(item).is_file():
                (directory / pathlib.Path(item).name).write_bytes(pathlib.Path(item).read_bytes())
        first = text.strip().splitlines()[0] if text.strip() else ""
        print(f"torture: {self.part}: {kind}: {first[:300]} (in {directory.relative_to(ROOT)})", flush=True)

    def taskwatt(self, *arguments, patience=60, environment=None):
        return self.execute([self.program, *arguments], patience=patience, environment=environment)

    def execute(self, command, patience=60, environment=None, limit=ADDRESS_SPACE):
        """Runs a program to its end, or kills it and all that it started when its time is over. Sanitizers need address space without `limit`."""
        output, error = self.scratch / "tmp/output", self.scratch / "tmp/error"
        start = time.monotonic()
        patience *= self.patience
        with open(output, "wb") as out, open(error, "wb") as err:
            process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.scratch,
                env={**self.environment, **(environment or {})}, start_new_session=True,
                preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))))
        hung = False
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - start > patience and not hung:
                hung = True
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.005)
        process.returncode = 0
        self.saw(usage.ru_maxrss)
        with open(output, "rb") as out, open(error, "rb") as err:
            return Ended(status, out.read(1 << 20), err.read(1 << 20), hung, usage.ru_maxrss, time.monotonic() - start)

    def need(self, *arguments, patience=120):
        """What has to work for the part to begin."""
        ended = self.taskwatt(*arguments, patience=patience)
        if ended.hung or ended.code != 0:
            raise Unavailable(f"`taskwatt {' '.join(map(str, arguments))}` ended with {ended.code}: {ended.error[-500:]!r}")
        return ended

    def daemon(self, *arguments):
        daemon = Daemon(self, arguments)
        self.daemons.append(daemon)
        return daemon

    def processes(self, text):
        """Living processes with this text in their command line that were started with our directory in their environment."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                # A zombie's command line is empty.
                line = pathlib.Path("/proc", entry, "cmdline").read_bytes()
                around = pathlib.Path("/proc", entry, "environ").read_bytes()
            except OSError:
                continue
            if text.encode() in line and str(self.scratch).encode() in around:
                found.append(int(entry))
        return found

    def end(self):
        for daemon in self.daemons:
            daemon.kill()
        for pid in self.processes(""):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


# One endless suite of small repeats.
ENDLESS = ["run", "--task", "text-classification", "--repeats", "50000", "--count", "5", "--set", "size=tiny", "--idle", "0.2", "--detach"]


class Daemon:
    def __init__(self, context, arguments):
        self.context = context
        self.socket = context.state / "taskwatt.sock"
        self.log = context.scratch / "daemon.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(context.program), "serve", *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=context.scratch,
                env=context.environment, start_new_session=True)

    @property
    def is_alive(self):
        return self.process.poll() is None

    def kill(self):
        if self.is_alive:
            self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60 * self.context.patience)
            return True
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    @property
    def peak_kib(self):
        try:
            text = pathlib.Path("/proc", str(self.process.pid), "status").read_text()
        except OSError:
            return 0
        found = re.search(r"VmHWM:\s+(\d+) kB", text)
        peak = int(found[1]) if found else 0
        self.context.saw(peak)
        return peak

    def ask(self, method, path, body=None, timeout=30):
        """The status and the body, or None where nobody answers."""
        connection = Connection(self.socket, timeout * self.context.patience)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def answers(self, patience=START_PATIENCE):
        """Whether it answers before the patience is over."""
        end = time.monotonic() + patience * self.context.patience
        while time.monotonic() < end:
            if not self.is_alive:
                return False
            answer = self.ask("GET", "/v1/status", timeout=max(0.1, end - time.monotonic()) / self.context.patience)
            if answer and answer[0] == 200:
                return True
            time.sleep(0.02)
        return False

    def jobs(self):
        answer = self.ask("GET", "/v1/jobs")
        return json.loads(answer[1]) if answer and answer[0] == 200 else []

    def tail(self):
        return self.log.read_bytes()[-3000:].decode(errors="replace")


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Told(threading.Thread):
    """Follows the events of all jobs, as a client does, and remembers each result that it was told of."""

    def __init__(self, daemon, results):
        super().__init__(daemon=True)
        self.socket, self.results = daemon.socket, results
        self.start()

    def run(self):
        connection = Connection(self.socket, 600)
        try:
            connection.request("GET", "/v1/events")
            answer = connection.getresponse()
            for line in answer:
                if not line.startswith(b"data:") or not line.endswith(b"\n"):
                    continue
                event = json.loads(line[5:]).get("event") or {}
                if event.get("event") == "result" and "suite_run" in event:
                    run = event["run"]
                    self.results.append((event["suite_run"], event.get("repeat"), run["energy"]["total"]["energy_j"]))
        except (OSError, ValueError, http.client.HTTPException):
            pass  # The daemon was killed: what came whole counts.
        finally:
            connection.close()


def lost(told, database):
    """The results that somebody was told of and that the record does not have."""
    kept = {}
    for suite, repeat, joules in database.execute(
            "SELECT uuid, repeat, energy_uj / 1e6 FROM run JOIN suite_run ON suite_run.id = suite_run_id"):
        kept.setdefault((suite, repeat), []).append(joules)
    return [result for result in told
            if not any(abs(joules - result[2]) <= 1e-6 + 1e-9 * abs(joules) for joules in kept.get(result[:2], []))]


def enter_private_mounts():
    """From now on this process and its children mount for themselves alone; needs root."""
    libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
    clone_newns, ms_rec, ms_private = 0x20000, 0x4000, 1 << 18
    if libc.unshare(clone_newns) != 0 or libc.mount(b"none", b"/", None, ms_rec | ms_private, None) != 0:
        raise Unavailable(f"it needs root, for a file system of its own that gets full ({os.strerror(ctypes.get_errno())})")
