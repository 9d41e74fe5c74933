"""Power cuts on a disk that has a cache of its own, and loses what is in it.

QEMU's driver blklogwrites writes down every write and flush of the machine, in the format of the kernel's dm-log-writes. After QEMU was
killed the disk is made of what it was at the boot and of that log: all up to the last flush, and of the rest nothing, or any sectors.
"""

import json
import os
import random
import struct
import subprocess
import threading
import time

from installation import MEMBER
from outages import LONG, integrity
from report import expect
from service import REPEATS, SOCKET

# Documentation/admin-guide/device-mapper/log-writes.rst of Linux, block/blklogwrites.c of QEMU.
MAGIC, SUPER, ENTRY = 0x6A736677736872, struct.Struct("<QQQI"), struct.Struct("<QQQQ")
FLUSH, DISCARD = 1, 4
SECTOR = 512


# Others write too, without a flush, and the kernel hands it to the disk at once: so there is always something to lose, of every file's.
NOISE = (
    "echo 10 >/proc/sys/vm/dirty_writeback_centisecs; echo 10 >/proc/sys/vm/dirty_expire_centisecs; "
    "setsid sh -c 'while :; do for i in 1 2 3 4; do head -c 300000 /dev/urandom >/var/tmp/noise$i; sleep 0.1; done; done' "
    ">/dev/null 2>&1 </dev/null &")


class LoggedDisk:
    """The machine's disk as a raw file, and the log of a boot."""

    def __init__(self, machine):
        self.machine = machine
        self.disk = machine.directory / "disk.raw"
        self.before = machine.directory / "before.raw"
        self.log = machine.directory / "disk.log-writes"
        subprocess.run(["qemu-img", "convert", "-O", "raw", machine.disk, self.disk], check=True)

    def plain(self):
        self.machine.drive = ["-drive", f"file={self.disk},if=virtio,format=raw,cache=unsafe"]

    def logged(self):
        """From the next boot on all is written down."""
        subprocess.run(["cp", "--sparse=always", self.disk, self.before], check=True)
        self.log.write_bytes(b"")
        self.machine.drive = [
            "-blockdev", f"driver=file,node-name=disk-file,filename={self.disk},cache.no-flush=on",
            "-blockdev", "driver=raw,node-name=disk-raw,file=disk-file",
            "-blockdev", f"driver=file,node-name=log-file,filename={self.log},cache.no-flush=on",
            "-blockdev", "driver=raw,node-name=log-raw,file=log-file",
            "-blockdev", "driver=blklogwrites,node-name=disk,file=disk-raw,log=log-raw,log-super-update-interval=1",
            "-device", "virtio-blk-pci,drive=disk,write-cache=on",
        ]

    def entries(self, log):
        """Flags, the offset of what was written, its bytes, and where they are in the log."""
        magic, version, count, size = SUPER.unpack(log.read(SUPER.size))
        expect(magic == MAGIC and version == 1, "the log is none of blklogwrites")
        at = size
        for _ in range(count):
            log.seek(at)
            sector, sectors, flags, _ = ENTRY.unpack(log.read(ENTRY.size))
            data = at + size
            at = data + (0 if flags & DISCARD else sectors * size)
            yield flags, sector * size, sectors * size, data

    def cut(self, share):
        """Makes the disk what it is after a power cut, with a share of the sectors that were not flushed.

        Returns how many writes were flushed and how many sectors of how many others were kept.
        """
        os.replace(self.before, self.disk)
        with open(self.log, "rb") as log, open(self.disk, "r+b") as disk:
            entries = list(self.entries(log))
            flushes = [index for index, entry in enumerate(entries) if entry[0] & FLUSH]
            expect(flushes, "the machine has flushed nothing")
            last, kept, others = flushes[-1], 0, 0
            for index, (flags, offset, length, data) in enumerate(entries):
                if flags & DISCARD or not length:
                    continue
                log.seek(data)
                contents = log.read(length)
                if index < last:
                    os.pwrite(disk.fileno(), contents, offset)
                    continue
                others += length // SECTOR
                for begin in range(0, length, SECTOR):
                    if random.random() < share:
                        os.pwrite(disk.fileno(), contents[begin:begin + SECTOR], offset + begin)
                        kept += 1
        return last, kept, others


class Told(threading.Thread):
    """What a client outside of the machine is told of finished repeats."""

    def __init__(self, machine):
        super().__init__(daemon=True)
        self.results = []
        self.process = subprocess.Popen(
            [*machine._ssh(), f"runuser -u {MEMBER} -- curl -sN --unix-socket {SOCKET} http://localhost/v1/events"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
        self.start()

    def run(self):
        for line in self.process.stdout:
            if not line.startswith("data:") or not line.endswith("\n"):
                continue
            try:
                event = json.loads(line[5:]).get("event") or {}
            except ValueError:
                continue
            if event.get("event") == "result" and event.get("repeat") is not None:
                self.results.append((event["suite_run"], event["repeat"], event["run"]["energy"]["total"]["energy_j"]))


def missing(told, machine, service):
    kept = json.loads(machine.text(
        "sqlite3 -readonly -json /var/lib/taskwatt/taskwatt.sqlite "
        f"\"SELECT uuid, repeat, energy_j {REPEATS}\"") or "[]")
    return [result for result in told if not any(
        (one["uuid"], one["repeat"]) == result[:2] and abs(one["energy_j"] - result[2]) <= 1e-6 + 1e-9 * abs(result[2]) for one in kept)]


def check(report, machine, service, cuts):
    with report.check("the machine goes off and on again, on a disk with a cache") as seen:
        service.schedule("cut", repeats=LONG)
        machine.power_off()
        disk = LoggedDisk(machine)
        disk.logged()
        machine.start()
        machine.wait_for("the service is up", service.is_up, 60)
        seen("all writes and flushes are written down")
    for number in range(cuts):
        share = (0, 0.5, 0.9)[number % 3]
        what = "nothing" if share == 0 else f"{share:.0%} of the sectors"
        with report.check(f"power cut {number + 1}, {what} of what was not flushed is kept: no repeat is lost") as seen:
            machine.run(NOISE)
            told = Told(machine)
            job = service.submit("cut")
            machine.wait_for("a client outside was told of 5 repeats", lambda: len(told.results) >= 5, 180)
            # At any moment, of one when something is written too.
            time.sleep(random.random() * 3)
            machine.pull_plug()
            told.process.kill()
            told.join(10)
            flushed, kept, others = disk.cut(share)
            disk.logged() if number + 1 < cuts else disk.plain()
            machine.start()
            machine.wait_for("the service is up", service.is_up, 60)
            integrity(service)
            lost = missing(told.results, machine, service)
            expect(not lost, f"{len(lost)} of {len(told.results)} repeats that a client was told of are gone: {lost[:3]}")
            ended = service.wait(job, "interrupted", "completed", "failed", timeout=60)
            expect(ended["state"] == "interrupted", f"the job is {ended['state']}")
            seen(f"{len(told.results)} repeats told of; {flushed} writes and flushes before the last flush, {kept} of {others} sectors after it")
