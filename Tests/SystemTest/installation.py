"""The package goes in: the service is up, for its group alone, and locked down."""

import re

from report import expect

# Of the group, and not of it.
MEMBER, STRANGER = "ada", "bob"
UNIT = "taskwatt.service"
ENGINES = "/usr/lib/taskwatt/engines/onnxruntime"


class Installation:
    """What an administrator installs: the package, ONNX Runtime, and for a trial files in place of the package's."""

    def __init__(self, payload, package, engine, files):
        self.package = payload.add_package(package)
        self.engine = payload.add(engine, engine.name)
        self.files = [
            (payload.add_program(source, f"files/{index}") if is_program(source) else payload.add(source, f"files/{index}"),
             target)
            for index, (source, target) in enumerate(files)
        ]
        self.libraries = bool(payload.libraries)
        self.mount = payload.MOUNT
        # The files that were there before the package.
        self.before = set()

    def prepare(self, machine):
        machine.run(f"mount -o ro /dev/vdb {self.mount}")
        for user in (MEMBER, STRANGER):
            machine.run(f"useradd --create-home --shell /bin/bash {user}")
        self.before = self.listing(machine)

    def listing(self, machine):
        """All files where packages and services put any."""
        return set(machine.text("find /etc /usr /var /opt /srv -xdev").splitlines())

    def install(self, machine):
        """As the README says, and returns what apt said. Offline: what it depends on is there."""
        said = machine.text(
            f"DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 install {self.package} 2>&1", timeout=400)
        machine.run(f"usermod -aG taskwatt {MEMBER}")
        machine.run(f"install -D -t {ENGINES} {self.engine}")
        if self.libraries:
            # The disk is not mounted after a restart.
            machine.run(
                f"cp -r {self.mount}/libraries /usr/local/lib/taskwatt-trial && "
                "echo /usr/local/lib/taskwatt-trial >/etc/ld.so.conf.d/taskwatt-trial.conf && ldconfig")
        for source, target in self.files:
            # By a name of its own first: the program runs.
            mode = machine.text(f"test -x {source} && echo 755 || echo 644")
            machine.run(f"install -D -m {mode} {source} {target}.new && mv {target}.new {target}")
        if self.files:
            machine.run("systemctl daemon-reload && systemctl restart taskwatt")
        return said


def is_program(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def status_field(machine, process, name):
    return machine.text(f"sed -n 's/^{name}:[[:space:]]*//p' /proc/{process}/status")


def check(report, machine, what):
    what.prepare(machine)
    with report.check("the package installs without a network") as seen:
        expect(machine.run("getent ahosts deb.debian.org", check=False).returncode != 0, "the machine has a network")
        said = what.install(machine)
        seen(next((line for line in said.splitlines() if line.startswith("Setting up taskwatt")), said[-200:]))

    with report.check("the service is up, and starts with the machine") as seen:
        for question, answer in (("is-active", "active"), ("is-enabled", "enabled")):
            got = machine.text(f"systemctl {question} {UNIT}", check=False)
            expect(got == answer, f"systemctl {question} says {got}")
        words = machine.text(f"journalctl --boot --quiet --no-pager --output=cat --unit={UNIT}")
        expect("ready on /run/taskwatt/taskwatt.sock" in words, f"the journal has {words!r}")
        expect("thread priority" not in words, f"libraries talk into the journal: {words!r}")
        seen(machine.text(f"systemctl show --property=ActiveState,SubState,StatusText,NRestarts {UNIT}"))

    with report.check("a member of the group asks it") as seen:
        status = machine.run_as(MEMBER, "taskwatt status").stdout
        expect("record in /var/lib/taskwatt" in status, f"taskwatt status says {status!r}")
        seen(status.splitlines()[0])

    with report.check("one outside the group is refused, and told why") as seen:
        refused = machine.run_as(STRANGER, "taskwatt status", check=False)
        expect(refused.returncode != 0, f"is answered: {refused.stdout!r}")
        expect("group" in refused.stderr and "taskwatt" in refused.stderr, f"is told {refused.stderr!r}")
        raw = machine.run_as(
            STRANGER, "curl -s --unix-socket /run/taskwatt/taskwatt.sock http://localhost/v1/status", check=False)
        expect(raw.returncode != 0, f"curl reaches the socket: {raw.stdout!r}")
        seen(refused.stderr)

    with report.check("it is locked down, as systemd sees it") as seen:
        judged = machine.text(f"systemd-analyze security --no-pager {UNIT} | tail -n 1", timeout=60)
        exposure = float(re.search(r"taskwatt\.service: ([0-9.]+)", judged)[1])
        expect(exposure <= 2.0, f"exposure {exposure}, more than 2.0")
        seen(f"exposure {exposure}")

    with report.check("it is locked down, as the kernel sees it") as seen:
        process = machine.text(f"systemctl show --property=MainPID --value {UNIT}")
        allowed = {"cap_dac_read_search": 2, "cap_perfmon": 38}
        for name in ("CapEff", "CapPrm", "CapBnd"):
            held = int(status_field(machine, process, name), 16)
            expect(held == sum(1 << bit for bit in allowed.values()), f"{name} is {held:#x}, not {' and '.join(allowed)}")
        ambient = status_field(machine, process, "CapAmb")
        expect(int(ambient, 16) == 0, f"CapAmb is {ambient}: what it starts would inherit that")
        expect(status_field(machine, process, "NoNewPrivs") == "1", "NoNewPrivs is off")
        expect(status_field(machine, process, "Seccomp") == "2", "no system call is filtered")
        uid = status_field(machine, process, "Uid").split()
        expect("0" not in uid, f"it runs as {uid}")
        seen(f"user {uid[0]}, {' and '.join(allowed)}, NoNewPrivs, seccomp")

    with report.check("it can write in its own directories alone") as seen:
        # Its own mounts, seen with the rights of root: what is read-only there is so for anybody.
        tried = machine.text(
            f"nsenter --target {process} --mount sh -c 'for at in / /etc /usr /usr/lib/taskwatt /var /var/lib /boot /home /root "
            "/sys/class/hwmon /proc/sys /var/lib/taskwatt /var/cache /var/cache/taskwatt-plugin /run/taskwatt; do "
            "if touch $at/written 2>/dev/null; then echo $at; rm $at/written; fi; done'")
        writable = set(tried.split())
        own = {"/var/lib/taskwatt", "/run/taskwatt"}
        expect(writable == own, f"writable are {sorted(writable)}")
        seen(" ".join(sorted(writable)))
