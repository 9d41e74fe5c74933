"""A file system that gets full at random moments, while a suite is recorded and files are written."""
import hashlib
import os
import shutil
import sqlite3
import subprocess
import time

from common import ENDLESS, Told, enter_private_mounts, lost

MEBIBYTES = 24


def run(context):
    enter_private_mounts()
    # The state directory, what is written, and temporary files are all on it.
    disk = context.state
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEBIBYTES}m", "torture", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        raise RuntimeError(mounted.stderr)
    context.refused = context.restarts = context.told = 0
    try:
        while fill_and_empty(context, disk):
            pass
    finally:
        if not context.refused:
            context.broke("other", "nothing was refused: the disk was never full")
        context.note = f"{context.refused} refused, {context.restarts} starts on a full disk, {context.told} results told of"
        for daemon in context.daemons:
            daemon.kill()
        subprocess.run(["umount", "-l", str(disk)])


def fill_and_empty(context, disk):
    """True where it is to begin anew, with an empty record."""
    random, told = context.random, []
    outputs = disk / "outputs"
    outputs.mkdir(exist_ok=True)
    context.environment["TMPDIR"] = str(disk)
    # What is bundled has to have ended.
    context.need("run", "--task", "text-classification", "--repeats", "2", "--count", "5", "--set", "size=tiny", "--idle", "0.2")
    database = sqlite3.connect(disk / "taskwatt.sqlite")
    suite = database.execute("SELECT uuid FROM suite_run").fetchone()[0]
    database.close()
    daemon = context.daemon()
    if not daemon.answers():
        return context.broke("crash", f"the daemon does not start\n{daemon.tail()}")
    follower = Told(daemon, told)
    context.taskwatt(*ENDLESS)
    wait(lambda: len(told) > 5, 60)
    commands = {
        "backup": ("backup", "--force", outputs / "backup"),
        "bundle": ("bundle", suite, "--force", "-o", outputs / "bundle"),
        "runs": ("export", "--force", "--output", outputs / "runs"),
        "samples": ("export", "--samples", "--force", "--output", outputs / "samples"),
        "jsonl": ("export", "--format", "jsonl", "--force", "--output", outputs / "jsonl"),
        "report": ("report", "--force", "-o", outputs / "report"),
    }
    for name, command in commands.items():
        ended = context.taskwatt(*command)
        if ended.code != 0:
            context.broke("other", f"`{name}` fails where there is room: {ended.error!r}")
        elif not whole(context, name, outputs / name):
            context.broke("other", f"`{name}` writes no whole file where there is room", [outputs / name])
    ballast = disk / "ballast"
    while not context.is_over or not context.refused and context.inputs < 30:
        if not any(job["state"] in ("running", "queued") for job in daemon.jobs()):
            context.taskwatt(*ENDLESS)
        time.sleep(random.random() * 2)
        fill(disk, ballast, leave=random.choice((0, 0, 4096, 16384, 65536, 200_000)))
        for name in random.sample(sorted(commands), 3):
            output = outputs / name
            before = digest(output)
            ended = context.taskwatt(*commands[name])
            context.inputs += 1
            if ended.hung:
                context.broke("hang", f"`{name}` on a full disk", like=name)
            elif ended.crashed:
                context.broke("crash", f"`{name}` on a full disk ended with {ended.code}: {ended.error[-2000:]!r}", like=name)
            elif ended.code != 0:
                context.refused += 1
                if digest(output) != before:
                    context.broke("other", f"`{name}` failed on a full disk, and the file of before is another: {ended.error!r}", [output], like=name)
            elif not whole(context, name, output):
                context.broke("other", f"`{name}` says that all is well on a full disk, and its file is not whole", [output], like=name)
        if random.random() < 0.2:
            daemon.kill()
            daemon = context.daemon()
            context.restarts += 1
            # It may say that there is no room, and end; it may not crash.
            if not daemon.answers(20) and not daemon.is_alive and (daemon.process.returncode < 0 or b"Fatal error" in daemon.log.read_bytes()):
                context.broke("crash", f"started on a full disk it ended with {daemon.process.returncode}\n{daemon.tail()}", like="start")
        else:
            time.sleep(random.random() * 2)
            if not daemon.is_alive:
                context.broke("crash", f"the daemon ended with {daemon.process.returncode} on a full disk\n{daemon.tail()}", like="daemon")
        daemon.peak_kib
        ballast.unlink()
        litter = [name for name in os.listdir(outputs) if name not in commands]
        if litter:
            context.broke("other", f"left of writing on a full disk: {litter}", like="litter")
            for name in litter:
                (outputs / name).unlink()
        if not daemon.is_alive:
            daemon = context.daemon()
        if not daemon.answers():
            return context.broke("hang", f"there is room again, and the daemon does not answer\n{daemon.tail()}", list(disk.iterdir()))
        if not follower.is_alive():
            follower = Told(daemon, told)
        count = len(told)
        end = time.monotonic() + 60 * context.patience
        while len(told) == count and time.monotonic() < end:
            if not any(job["state"] in ("running", "queued") for job in daemon.jobs()):
                context.taskwatt(*ENDLESS)
            time.sleep(0.2)
        if len(told) == count:
            context.broke("hang", f"there is room again, and no run comes to an end within 60 s\n{daemon.tail()}", like="room")
        # The record grows, and what is exported with it: it begins anew before it fills the disk by itself.
        if shutil.disk_usage(disk).free < MEBIBYTES << 19:
            if not check(context, daemon, disk, told):
                return
            for path in [*disk.iterdir(), *outputs.iterdir()]:
                if path.is_file():
                    path.unlink()
            return True
    check(context, daemon, disk, told)


def check(context, daemon, disk, told):
    """Ends the daemon, and looks at the record."""
    for job in daemon.jobs():
        daemon.ask("DELETE", f"/v1/jobs/{job['id']}")
    if not daemon.stop():
        context.broke("hang", "the daemon does not end by SIGTERM")
    context.told += len(told)
    database = sqlite3.connect(disk / "taskwatt.sqlite")
    try:
        whole_ = [row[0] for row in database.execute("PRAGMA integrity_check")]
        if whole_ != ["ok"]:
            context.broke("other", "the record is not whole: " + "; ".join(whole_), list(disk.iterdir()))
            return False
        for result in lost(told, database):
            context.broke("lost", f"a client was told of {result}, and the record does not have it", [disk / "taskwatt.sqlite", daemon.log])
    finally:
        database.close()
    return True


def fill(disk, ballast, leave):
    """Takes what room there is, but for some bytes."""
    free = shutil.disk_usage(disk).free - leave
    with open(ballast, "wb", buffering=0) as file:
        try:
            while free > 0:
                free -= file.write(b"\xff" * min(free, 1 << 20))
        except OSError:
            pass  # The suite was quicker: it is full.


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def whole(context, name, path):
    if name == "bundle":
        # It was read to its end: whether windows of some milliseconds can be trusted is another matter.
        return bool(context.taskwatt("verify", path).output)
    if name == "backup":
        database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            return database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        except sqlite3.DatabaseError:
            return False
        finally:
            database.close()
    text = path.read_bytes()
    return text.rstrip().endswith(b"</html>") if name == "report" else text.endswith(b"\n")


def wait(condition, patience):
    end = time.monotonic() + patience
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
