"""Many machines on this one: each has a network, a name, an /etc and a /run of its own, in namespaces that end with the script.

What no namespace gives (systemd, ssh, apt) are stand-ins, in `stand-ins/`. Slurm, PostgreSQL and Prometheus are the real ones.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HEAD = "10.77.0.1"
NODES = ["node1", "node2", "node3"]
PARTITION = "cpu"
# What is called, and Debian's package of it.
PROGRAMS = {
    "slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client", "sinfo": "slurm-client", "squeue": "slurm-client",
    "ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux", "systemd-sysusers": "systemd",
    "openssl": "openssl", "psql": "postgresql-client", "prometheus": "prometheus", "zstd": "zstd",
}


def fail(message, *logs):
    for log in logs:
        if log.exists():
            print(f"---- {log}\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {message}")


def postgres_programs():
    """Where those of the newest server are, which is in no PATH; None where there is none."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def enter():
    """Starts this script again where it can do no harm: its networks, mounts, names and processes end with it. Nothing is skipped: where
    something is missing, it says what and fails."""
    if os.geteuid() != 0:
        fail("it needs root, for networks and names of its own: run it by sudo")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if postgres_programs() is None:
        missing.append("postgresql")
    if missing:
        fail(f"missing: {', '.join(missing)}; `.ci/deps --test` installs them, or apt-get install {' '.join(missing)}")
    apart = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    tried = subprocess.run(
        apart + ["sh", "-c", "mount -t tmpfs tmpfs /mnt && ip link add trial type veth && setpriv --reuid postgres --clear-groups true"],
        text=True, capture_output=True)
    if tried.returncode:
        fail(f"this machine allows no namespaces with mounts, networks and users ({tried.stderr.strip()}); in a container it needs "
             "--privileged, or the capabilities SYS_ADMIN and NET_ADMIN and no seccomp profile that forbids them")
    os.environ["TASKWATT_FLEET_INSIDE"] = "1"
    os.execvp(apart[0], [*apart, sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]])


def in_memory():
    """A directory that is gone with the namespaces, whatever is mounted below it."""
    directory = pathlib.Path(tempfile.gettempdir()) / "taskwatt-fleet"
    directory.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", directory)
    return directory


def run(*words, **options):
    result = subprocess.run([str(word) for word in words], text=True, capture_output=True, **options)
    if result.returncode:
        fail(f"{' '.join(map(str, words))[:300]} ends with {result.returncode}: {(result.stderr or result.stdout)[-2000:]}")
    return result.stdout


def eventually(what, seconds, *logs):
    """What `what` returns once it is true."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > end:
            fail(f"not within {seconds} s: {what.__doc__}", *logs)
        time.sleep(0.25)


# Of every machine: an /etc of its own, and nothing in /run and /var/lib but that systemd seems to run (sd_booted(3)).
PRIVATE = """
    mkdir {work}/etc-{name}
    cp -a {work}/etc/. {work}/etc-{name}
    mount --bind {work}/etc-{name} /etc
    mount -t tmpfs tmpfs /run
    mount -t tmpfs tmpfs /var/lib
    mkdir -p /run/systemd/system
    hostname {name}
    ip link set lo up
"""


class Fleet:
    """The head, which is this process's own namespaces, and the nodes."""

    def __init__(self, work, program):
        self.work = work
        self.children = []
        for name in ["bin", "home", "machines", "source"]:
            (work / name).mkdir()
        # A copy, for users of services cannot read everybody's checkout.
        for name in ["Systemd", "Plugins"]:
            shutil.copytree(ROOT / name, work / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
        (work / "bin/taskwatt").touch()
        run("mount", "--bind", program, work / "bin/taskwatt")
        for file in (ROOT / "Tests/Fleet/stand-ins").iterdir():
            shutil.copy(file, work / "bin")
        self.environment = {
            "PATH": f"{work}/bin:{os.environ['PATH']}", "HOME": f"{work}/home", "FLEET": str(work), "LC_ALL": "C.UTF-8", "USER": "root",
            "SLURM_CONF": str(work / "slurm.conf"), "TASKWATT_PLUGIN_PATH": f"{work}/source/Plugins",
        }
        engines = ROOT / ".engines/onnxruntime"
        if engines.exists():
            (work / "engine").mkdir()
            run("mount", "--bind", "-o", "ro", engines, work / "engine")
            self.environment["TASKWATT_ENGINE_PATH"] = f"{work}/engine"
        for name in ["TASKWATT_ENGINE_PATH", "TASKWATT_ONNXRUNTIME"]:
            if name in os.environ:
                self.environment[name] = os.environ[name]
        run("cp", "-a", "/etc", work / "etc")
        shutil.rmtree(work / "etc/taskwatt", ignore_errors=True)
        names = [f"{HEAD} head collector.example prometheus.example"]
        names += [f"10.77.0.{10 + number} {node}" for number, node in enumerate(NODES)]
        (work / "etc/hosts").write_text("127.0.0.1 localhost\n" + "\n".join(names) + "\n")

    def logs(self):
        return sorted(self.work.glob("*.log"))

    def start(self, words, log, **options):
        child = subprocess.Popen(
            [str(word) for word in words], stdout=open(self.work / log, "ab"), stderr=subprocess.STDOUT,
            **({"env": self.environment} | options))
        self.children.append(child)
        return child

    def shell(self, command, **options):
        """What a command of an administrator prints on the head."""
        options = {"env": self.environment, "cwd": self.work / "home"} | options
        return run("sh", "-ec", command, **options)

    def node_shell(self, node, command):
        return run(self.work / "bin/ssh", f"root@{node}", command, env=self.environment)

    def head(self):
        run("sh", "-ec", PRIVATE.format(work=self.work, name="head"))
        run("ip", "link", "add", "fleet", "type", "bridge")
        run("ip", "addr", "add", f"{HEAD}/24", "dev", "fleet")
        run("ip", "link", "set", "fleet", "up")

    def node(self, number, node):
        # It waits for its network; the file says that all is there.
        script = PRIVATE.format(work=self.work, name=node) + f"""
            read -r _
            ip addr add 10.77.0.{10 + number}/24 dev uplink
            ip link set uplink up
            echo $$ >{self.work}/machines/new-{node}
            mv {self.work}/machines/new-{node} {self.work}/machines/{node}
            exec slurmd -D -N {node} -f {self.environment['SLURM_CONF']}
        """
        child = self.start(
            ["unshare", "--net", "--uts", "--mount", "--propagation", "private", "sh", "-ec", script], f"slurmd-out-{node}.log",
            stdin=subprocess.PIPE)
        own = os.readlink("/proc/self/ns/net")

        def apart():
            """a network of the node's own"""
            return os.readlink(f"/proc/{child.pid}/ns/net") != own

        eventually(apart, 60)
        run("ip", "link", "add", f"to-{node}", "type", "veth", "peer", "name", "uplink", "netns", child.pid)
        run("ip", "link", "set", f"to-{node}", "master", "fleet", "up")
        child.stdin.write(b"go\n")
        child.stdin.close()

        def ready():
            """a node that is up"""
            return (self.work / "machines" / node).exists()

        eventually(ready, 60, *self.logs())

    def stop(self):
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()


class Slurm:
    """slurmctld on the head; the nodes start their slurmd themselves."""

    def __init__(self, fleet):
        self.fleet = fleet
        work = fleet.work
        nodes = "\n".join(f"NodeName={node} NodeAddr=10.77.0.{10 + number} CPUs={os.cpu_count()} State=UNKNOWN"
                          for number, node in enumerate(NODES))
        (work / "spool").mkdir()
        (work / "state").mkdir()
        (work / "slurm.conf").write_text(f"""\
ClusterName=trial
SlurmctldHost=head({HEAD})
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmdUser=root
StateSaveLocation={work}/state
SlurmdSpoolDir={work}/spool/%n
SlurmctldPidFile={work}/slurmctld.pid
SlurmdPidFile={work}/slurmd-%n.pid
SlurmctldLogFile={work}/slurmctld.log
SlurmdLogFile={work}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
Prolog={work}/prolog
Epilog={work}/epilog
PrologFlags=Alloc
{nodes}
PartitionName={PARTITION} Nodes={','.join(NODES)} Default=YES MaxTime=INFINITE State=UP
""")
        # Slurm gives them no PATH. This one's `logger` writes where the test reads. A machine that is busy with other tests gets more time.
        for name in ["prolog", "epilog"]:
            text = (ROOT / "Systemd/slurm" / name).read_text()
            if "timeout -k 2 10 " not in text:
                fail(f"{name} is not bounded in time")
            self.executable(
                work / name, f"PATH={fleet.environment['PATH']}\n" + text.replace("timeout -k 2 10 ", "timeout -k 2 300 "))
        self.executable(work / "bin/logger", f"cat >>{work}/epilog.jsonl")

    @staticmethod
    def executable(path, text):
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def start(self):
        self.fleet.start(["slurmctld", "-D", "-f", self.fleet.environment["SLURM_CONF"]], "slurmctld-out.log")

    def wait_idle(self):
        def idle():
            """all nodes idle"""
            told = subprocess.run(["sinfo", "-hN", "-o", "%N %T"], text=True, capture_output=True, env=self.fleet.environment)
            states = dict(line.split(maxsplit=1) for line in told.stdout.splitlines())
            return sorted(states) == NODES and set(states.values()) == {"idle"}

        eventually(idle, 300, *self.fleet.logs())

    def wait_ended(self, *jobs):
        def ended():
            """the end of all jobs"""
            there = run("squeue", "-h", "-o", "%A", env=self.fleet.environment).split()
            return not set(there) & set(jobs) if jobs else not there

        eventually(ended, 900, *self.fleet.logs())

    @staticmethod
    def submitted(said):
        return [line.split()[-1] for line in said.splitlines() if line.startswith("Submitted batch job ")]


class Postgres:
    """A server on a Unix socket, where users of the system are known, and on the network by TLS with a password."""

    def __init__(self, fleet):
        self.fleet, self.data = fleet, fleet.work / "postgres"
        self.data.mkdir()
        shutil.chown(self.data, "postgres", "postgres")
        self.programs = postgres_programs()

    def as_postgres(self, *words):
        return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *words]

    def start(self):
        run(*self.as_postgres(self.programs / "initdb", "-D", self.data / "data", "-A", "peer", "-N", "--locale=C", "-E", "UTF8"), cwd="/")
        certificate(self.data, "postgres-ca")
        certificate(self.data, "server", "-CA", "postgres-ca.pem", "-CAkey", "postgres-ca.key", "-addext", "subjectAltName=DNS:head")
        shutil.chown(self.data / "server.key", "postgres")
        (self.data / "data/pg_hba.conf").write_text("local all all peer\nhostssl all all 10.77.0.0/24 scram-sha-256\n")
        socket = pathlib.Path("/run/postgresql")
        socket.mkdir()
        shutil.chown(socket, "postgres", "postgres")
        settings = {"listen_addresses": HEAD, "unix_socket_directories": socket, "ssl": "on", "ssl_cert_file": self.data / "server.pem",
                    "ssl_key_file": self.data / "server.key", "fsync": "off"}
        words = [word for key, value in settings.items() for word in ["-c", f"{key}={value}"]]
        self.fleet.start(self.as_postgres(self.programs / "postgres", "-D", self.data / "data", *words), "postgres.log", cwd="/")

        def answers():
            """PostgreSQL answers"""
            return subprocess.run(
                self.as_postgres("psql", "-h", str(socket), "-c", "select 1", "postgres"), capture_output=True, cwd="/").returncode == 0

        eventually(answers, 120, *self.fleet.logs())


def certificate(directory, name, *more):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-keyout",
        f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", *more, cwd=directory)
    (directory / f"{name}.key").chmod(0o600)


def documented(path, heading):
    """The commands of a document's section, in its order: each line of a shell with those that continue it."""
    section = path.read_text().split(f"\n## {heading}\n")
    if len(section) != 2:
        fail(f"{path.name} has no section `{heading}`")
    commands, code, here, open_loops, current = [], False, None, 0, []
    for line in section[1].split("\n## ")[0].splitlines():
        if line.startswith("```"):
            code = line == "```sh"
            continue
        if not code or (not current and (not line.strip() or line.startswith("#"))):
            continue
        current.append(line)
        if here is not None:
            if line == here:
                here = None
        elif "<<'" in line:
            here = line.split("<<'")[1].split("'")[0]
        else:
            open_loops += line.lstrip().startswith("for ") - (line.split() or [""])[0].startswith("done")
        if here is None and open_loops == 0 and not line.endswith(("\\", "|", "&&")):
            commands.append("\n".join(current))
            current = []
    if current:
        fail(f"{path.name}: the command does not end: {current[0]}")
    return commands
