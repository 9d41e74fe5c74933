"""A virtual machine in QEMU: its life from boot to pulled plug, and commands in it over ssh."""

import json
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import tempfile
import time


class MachineError(Exception):
    """The machine is not as it should be: it does not start, or does not answer. One line."""


class Machine:
    """One disk over an image, and the QEMU that runs on it, once or several times.

    The disk is a qcow2 file over the image, so that a test begins with the same files every time. What the machine has not
    flushed is lost with QEMU: the places of new clusters are in its memory until then.
    """

    BOOT_SECONDS = 400

    def __init__(self, image, payload, directory):
        self.image = image
        self.payload = payload
        self.directory = directory
        self.disk = directory / "disk.qcow2"
        # How QEMU is told of it; power.py has another way.
        self.drive = ["-drive", f"file={self.disk},if=virtio,format=qcow2,cache=writeback"]
        self.serial = directory / "serial.log"
        # Paths of sockets have 107 bytes, which a checkout's path may have taken already.
        self.sockets = tempfile.TemporaryDirectory(prefix="taskwatt-vm-")
        self.process = None
        self.boots = 0
        self.port = None
        subprocess.run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", image.disk, self.disk], check=True)

    def start(self):
        """Boots, and returns when a command can be run. Raises MachineError after BOOT_SECONDS."""
        self.boots += 1
        monitor = pathlib.Path(self.sockets.name) / f"monitor{self.boots}"
        self.process = subprocess.Popen([
            # It ends with this process, however that ends.
            "setpriv", "--pdeathsig", "KILL",
            "qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "3072",
            "-nodefaults", "-no-user-config", "-display", "none",
            "-kernel", self.image.kernel, "-initrd", self.image.initrd,
            "-append", "root=/dev/vda rw console=ttyS0 quiet panic=5 systemd.show_status=false",
            *self.drive,
            "-drive", f"file={self.payload},if=virtio,format=raw,readonly=on",
            "-nic", "user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:0-:22",
            "-device", "virtio-rng-pci", "-chardev", f"file,id=serial,path={self.serial},append=on",
            "-serial", "chardev:serial", "-qmp", f"unix:{monitor},server=on,wait=off",
        ], stdin=subprocess.DEVNULL, stderr=open(self.directory / "qemu.log", "ab"))
        self.port = self._forwarded_port(monitor)
        self.wait_until_up()

    def _forwarded_port(self, monitor):
        """The port that the kernel chose for us: any fixed one may be taken."""
        for _ in range(100):
            try:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(str(monitor))
                break
            except OSError:
                self._check_alive()
                time.sleep(0.1)
        else:
            raise MachineError("QEMU does not open its monitor")
        with connection, connection.makefile("rw") as stream:
            stream.readline()
            for command in ({"execute": "qmp_capabilities"},
                            {"execute": "human-monitor-command", "arguments": {"command-line": "info usernet"}}):
                stream.write(json.dumps(command) + "\n")
                stream.flush()
                answer = json.loads(stream.readline())
        found = re.search(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)", answer["return"])
        if not found:
            raise MachineError(f"QEMU forwards no port: {answer['return']}")
        return int(found[1])

    def _check_alive(self):
        if self.process.poll() is not None:
            log = (self.directory / "qemu.log").read_text(errors="replace").strip().splitlines()
            raise MachineError(f"QEMU ended with {self.process.returncode}: {log[-1] if log else 'it said nothing'}")

    # ---- Commands

    def _ssh(self, *options):
        # One connection for all: a key exchange takes emulated processors a second or two.
        return ["ssh", "-F", "none", "-i", str(self.image.key), "-p", str(self.port), "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                "-o", "ControlMaster=auto", "-o", f"ControlPath={self.sockets.name}/ssh{self.boots}",
                "-o", "ControlPersist=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15", *options,
                "root@127.0.0.1"]

    def run(self, command, check=True, timeout=120, input=None):
        """Runs a line of the shell as root and returns what it said.

        Raises MachineError where it takes longer than `timeout` seconds, or, with `check`, where its status is not 0.
        """
        try:
            done = subprocess.run(
                [*self._ssh(), command], stdin=subprocess.DEVNULL if input is None else None, input=input,
                capture_output=True, text=True, errors="replace", timeout=timeout)
        except subprocess.TimeoutExpired:
            raise MachineError(f"took longer than {timeout} s: {command}") from None
        if check and done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
            raise MachineError(f"status {done.returncode} of `{command}`: {' / '.join(said[-3:])}")
        return done

    def text(self, command, **options):
        return self.run(command, **options).stdout.strip()

    def json(self, command, **options):
        return json.loads(self.run(command, **options).stdout)

    def run_as(self, user, command, **options):
        """The same as another user, logged in as far as groups and variables go."""
        return self.run(f"runuser --login {user} --command {shlex.quote(command)}", **options)

    def run_visibly(self, command, terminal=False):
        """Runs a command with this process's input and output, and returns its status."""
        return subprocess.run([*self._ssh(*["-t"] if terminal else []), command]).returncode

    def wait_for(self, what, condition, timeout=60):
        """Asks until `condition` gives something true, and returns that. Raises MachineError after `timeout` seconds."""
        end = time.monotonic() + timeout
        while True:
            self._check_alive()
            if found := condition():
                return found
            if time.monotonic() > end:
                raise MachineError(f"after {timeout} s still not: {what}")
            time.sleep(0.5)

    # ---- Its life

    def wait_until_up(self):
        def answers():
            try:
                state = self.run("systemctl is-system-running --wait", check=False, timeout=self.BOOT_SECONDS)
            except MachineError:
                return None
            return state.stdout.strip() in ("running", "degraded")

        self.wait_for("the machine answers over ssh", answers, self.BOOT_SECONDS)

    def reboot(self):
        """As an administrator would, and returns when it is up again."""
        before = self.text("cat /proc/sys/kernel/random/boot_id")
        self.run("systemctl reboot", check=False)
        self.drop_connection()
        self.boots += 1

        def is_new():
            self.drop_connection()
            try:
                return self.run("cat /proc/sys/kernel/random/boot_id", timeout=30).stdout.strip() != before
            except MachineError:
                return None

        self.wait_for("the machine is up after a reboot", is_new, self.BOOT_SECONDS)
        self.wait_until_up()

    def pull_plug(self):
        """QEMU is killed: what the machine has not flushed to its disk is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.drop_connection()

    def power_off(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.run("systemctl poweroff", check=False)
        self.drop_connection()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.pull_plug()

    def drop_connection(self):
        subprocess.run([*self._ssh("-O", "exit")], capture_output=True)

    def end(self):
        """Whatever happened, nothing of it goes on."""
        if self.process is not None and self.process.poll() is None:
            self.pull_plug()
        self.sockets.cleanup()
