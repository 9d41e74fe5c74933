"""Power cuts. A daemon measures while all that it and the commands beside it change on the disk is written down (recorder.c); what a disk
may hold after a cut at any moment is made of that, as harshly as POSIX allows, and the daemon started on it. What was told of before is there.

What fsync() has made durable is kept: contents by that of the file, names by that of the directory. Of the rest, all, nothing, what came
first, or any sectors of 512 bytes and any names are kept, and a file may have grown by zeros or by what lay there before.
"""
import bisect
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import struct
import subprocess
import time

from common import ENDLESS, Daemon, Told, Unavailable, lost

HEAD = struct.Struct("<QQQIIII")
SECTOR = 512
# Of the time that a part has, while which it records; the rest is for cuts.
RECORDING = 0.3
LEAST_CUTS = 20
# States of the disk that are looked at for each cut, one of them by a daemon.
STATES = 6
# Of the file that processes share, which is made anew at each start.
REMADE = "-shm"


# ---- The disk


class File:
    def __init__(self):
        self.durable, self.pending = bytearray(), []

    def sync(self):
        for change in self.pending:
            change.apply(self.durable)
        self.pending = []

    def contents(self, whim):
        data = bytearray(self.durable)
        whole = len(self.durable)
        for change in self.pending:
            whole = change.length(whole)
            for part in whim.parts(change):
                part.apply(data)
        if len(data) < whole and whim.grows():
            data += whim.old(whole - len(data))
        return data


class Write:
    __slots__ = ("offset", "data")

    def __init__(self, offset, data):
        self.offset, self.data = offset, data

    def apply(self, data):
        if len(data) < self.offset:
            data += bytes(self.offset - len(data))
        data[self.offset:self.offset + len(self.data)] = self.data

    def length(self, before):
        return max(before, self.offset + len(self.data))

    def sectors(self):
        begin, end = self.offset, self.offset + len(self.data)
        while begin < end:
            stop = min(end, (begin // SECTOR + 1) * SECTOR)
            yield Write(begin, self.data[begin - self.offset:stop - self.offset])
            begin = stop


class Cut:
    __slots__ = ("size",)

    def __init__(self, size):
        self.size = size

    def apply(self, data):
        if len(data) > self.size:
            del data[self.size:]
        else:
            data += bytes(self.size - len(data))

    def length(self, before):
        return self.size

    def sectors(self):
        yield self


class Directory:
    def __init__(self):
        # Changes are shared by the two directories of a move: it happens in both or in none.
        self.durable, self.pending = {}, []

    def sync(self):
        for names, _ in self.pending:
            self.apply(names, self.durable)
        self.pending = []

    @staticmethod
    def apply(names, entries):
        for name, node in names.items():
            if node is None:
                entries.pop(name, None)
            else:
                entries[name] = node

    def entries(self, whim):
        found = dict(self.durable)
        for names, change in self.pending:
            if whim.keeps(change):
                self.apply(names, found)
        return found

    def write(self, path, whim):
        path.mkdir()
        for name, node in self.entries(whim).items():
            place = path / os.fsdecode(name)
            if isinstance(node, Directory):
                node.write(place, whim)
            elif isinstance(node, bytes):
                place.symlink_to(os.fsdecode(node))
            else:
                place.write_bytes(node.contents(whim))


class Whim:
    """What becomes of what was not synchronized."""

    KINDS = ("nothing", "all", "first", "any", "any", "any")

    def __init__(self, random, kind):
        self.random, self.kind, self.kept = random, kind, {}
        self.share = random.choice((0.1, 0.5, 0.9))
        self.until = random.random()

    def keeps(self, change):
        """Of names: the same for both directories."""
        if change not in self.kept:
            self.kept[change] = (self.kind == "all" or self.kind == "any" and self.random.random() < self.share
                                 or self.kind == "first" and self.random.random() < self.until)
            if self.kind == "first" and not self.kept[change]:
                self.until = 0
        return self.kept[change]

    def parts(self, change):
        if self.kind == "all":
            yield change
        elif self.kind == "any":
            parts = [part for part in change.sectors() if self.random.random() < self.share]
            self.random.shuffle(parts)
            yield from parts
        elif self.kind == "first":
            if self.random.random() < self.until:
                yield change
            elif self.until:
                # The one that was being written is torn.
                self.until = 0
                parts = list(change.sectors())
                yield from parts[:self.random.randrange(len(parts) + 1)]

    def grows(self):
        return self.kind == "any" and self.random.random() < 0.5

    def old(self, count):
        return self.random.randbytes(count) if self.random.random() < 0.5 else bytes(count)


class Disk:
    def __init__(self, root):
        """Of a directory with nothing in it."""
        self.root = Directory()
        self.nodes = {os.stat(root).st_ino: self.root}
        self.unseen, self.changes, self.blind = [], 0, ()

    def do(self, kind, inode, other, offset, name, data):
        node, directory = self.nodes.get(inode), self.nodes.get(other)
        if kind == "C":
            node = self.nodes[inode] = File()
            self.name(directory, {name: node})
        elif kind == "D":
            node = self.nodes[inode] = Directory()
            self.name(directory, {name: node})
        elif kind == "S":
            self.name(directory, {name: bytes(data)})
        elif kind == "L":
            if directory is not None:
                self.name(directory, {name: self.known(node, name)})
        elif kind == "W":
            if isinstance(node, File):
                node.pending.append(Write(offset, bytes(data)))
        elif kind == "T":
            if isinstance(node, File):
                node.pending.append(Cut(offset))
        elif kind == "F":
            if node is not None and not self.is_blind(node):
                node.sync()
        elif kind == "U":
            self.name(directory, {name: None})
        elif kind == "R":
            before = self.nodes.get(offset)
            if directory is before:
                if directory is not None:
                    self.name(directory, {bytes(data): None, name: self.known(node, name)})
            else:
                # In two directories it is one change.
                self.name(before, {bytes(data): None})
                if directory is not None:
                    self.changes -= before is not None
                    self.name(directory, {name: self.known(node, name)})
        elif kind == "!":
            self.unseen.append(os.fsdecode(name))

    def name(self, directory, names):
        if directory is not None:
            self.changes += 1
            directory.pending.append((names, self.changes))

    def known(self, node, name):
        if node is None:
            self.unseen.append(f"a file that came as {os.fsdecode(name)} from elsewhere")
            return File()
        return node

    def is_blind(self, node):
        """Whether this is a disk that takes no notice, to see whether that is found."""
        if "directories" in self.blind:
            return isinstance(node, Directory)
        return "journal" in self.blind and any(
            name.endswith(b"-wal") for directory in self.nodes.values() if isinstance(directory, Directory)
            for entries in [directory.durable, *(names for names, _ in directory.pending)]
            for name, entry in entries.items() if entry is node)


# ---- The record of it


class Recording:
    def __init__(self, path, root):
        self.root, self.calls, self.told = root, [], []
        whole, at = path.read_bytes(), 0
        view = memoryview(whole)
        while at + HEAD.size <= len(whole):
            inode, other, offset, name, data, kind, _ = HEAD.unpack_from(whole, at)
            begin = at + HEAD.size
            end = begin + name + data
            if end > len(whole):
                break
            self.calls.append((end, chr(kind), inode, other, offset, whole[begin:begin + name], view[begin + name:end]))
            if chr(kind) == "N":
                self.told += [(end, result) for result in results(whole[begin + name:end])]
            at = end
        self.ends = [call[0] for call in self.calls]

    def after(self, place):
        """How many calls were made when the record was so long."""
        return bisect.bisect_right(self.ends, place)

    def cuts(self, random, count):
        """Numbers of calls after which the power goes, in order: most where something has just been told, or names change."""
        tellings = sorted({place for place, _ in self.told})
        names = [index + 1 for index, call in enumerate(self.calls) if call[1] in "CDLRUS" or call[1] == "F" and not call[5]]
        chosen = []
        for _ in range(count):
            kind = random.random()
            if kind < 0.4 and tellings:
                chosen.append(self.after(random.choice(tellings)) + random.choice((0, 0, 1, 3, 10)))
            elif kind < 0.6 and names:
                chosen.append(random.choice(names))
            elif kind < 0.7:
                chosen.append(random.randrange(min(len(self.calls), 400)))
            else:
                chosen.append(random.randrange(len(self.calls) + 1))
        return sorted(min(one, len(self.calls)) for one in chosen)

    def at(self, cuts, blind=()):
        """The disk after each of these numbers of calls."""
        disk, done = Disk(self.root), 0
        disk.blind = blind
        for cut in cuts:
            for call in self.calls[done:cut]:
                disk.do(*call[1:])
            done = cut
            yield cut, disk


def results(text):
    """The results in what went out to a client."""
    found = []
    for line in text.split(b"\n"):
        _, begin, rest = line.partition(b"data:")
        if not begin:
            continue
        try:
            event = json.loads(rest).get("event") or {}
            if event.get("event") == "result" and "suite_run" in event:
                found.append((event["suite_run"], event.get("repeat"), event["run"]["energy"]["total"]["energy_j"]))
        except (ValueError, AttributeError, KeyError, TypeError):
            continue
    return found


# ---- The part


def run(context):
    library, record = recorder(context), context.scratch / "record"
    root = context.state
    plain = dict(context.environment)
    # The daemon makes its directory itself, and that too has to last.
    context.environment = {**plain, "LD_PRELOAD": str(library), "TORTURE_RECORD": str(record), "TASKWATT_STATE_DIR": str(root / "record")}
    context.state = root / "record"
    versions, heard = measure(context, root, record, time.monotonic() + context.seconds * RECORDING)
    context.environment = plain
    recording = Recording(record, root)
    if not check_recording(context, recording, heard):
        return
    cuts = 0
    while not context.is_over or cuts < LEAST_CUTS:
        for cut, disk in recording.at(recording.cuts(context.random, 10)):
            if context.is_over and cuts >= LEAST_CUTS:
                break
            told = [result for place, result in recording.told if recording.after(place) <= cut]
            written = {name: written_before(recording, files, cut) for name, files in versions.items()}
            for number in range(STATES):
                look(context, disk, cut, told, written, by_daemon=number == 0)
            cuts += 1
            if len(context.problems) > 200:
                return
    context.note = (f"{cuts} cuts in {len(recording.calls)} calls, {len(recording.told)} results told of, "
                    f"{sum(map(len, versions.values()))} files written")


def recorder(context):
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        raise Unavailable("it needs a compiler of C, `cc` or `clang`")
    library = context.scratch / "recorder.so"
    made = subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", "-o", library, pathlib.Path(__file__).with_name("recorder.c"), "-ldl"], capture_output=True)
    if made.returncode != 0:
        raise Unavailable(f"the recorder does not compile: {made.stderr.decode(errors='replace')[-500:]}")
    return library


def measure(context, root, record, end):
    """What was written by commands, with the length of the record when they ended, and how many results a client heard of."""
    outputs = root / "outputs"
    told = []
    daemon = context.daemon()
    if not daemon.answers():
        raise Unavailable(f"the daemon does not start while it is recorded\n{daemon.tail()}")
    follower = Told(daemon, told)
    context.taskwatt(*ENDLESS)
    patience = time.monotonic() + 60
    while len(told) < 3 and time.monotonic() < patience:
        time.sleep(0.1)
    commands = {
        "backup": ("backup", "--force", outputs / "backup"),
        "runs": ("export", "--force", "--output", outputs / "runs"),
        "samples": ("export", "--samples", "--force", "--output", outputs / "samples"),
        "report": ("report", "--force", "-o", outputs / "report"),
    }
    # By a command of the kind that is recorded, as the rest.
    context.execute(["mkdir", outputs])
    context.execute(["sync", root])
    versions = {name: [] for name in commands}
    restarts = 0
    while time.monotonic() < end or len(told) < 10 and time.monotonic() < patience:
        time.sleep(context.random.random())
        name = context.random.choice(sorted(commands))
        ended = context.taskwatt(*commands[name])
        if ended.code == 0:
            versions[name].append((record.stat().st_size, digest(outputs / name)))
        else:
            context.broke("other", f"`{name}` fails while it is recorded: {ended.error[-500:]!r}", like=name)
        if context.random.random() < 0.15:
            # Its next start finds a journal.
            daemon.kill()
            follower.join(10)
            daemon = context.daemon()
            if not daemon.answers():
                context.broke("crash", f"the daemon does not start again while it is recorded\n{daemon.tail()}")
                break
            follower = Told(daemon, told)
            restarts += 1
        if not any(job["state"] in ("running", "queued") for job in daemon.jobs()):
            context.taskwatt(*ENDLESS)
    daemon.peak_kib
    daemon.kill()
    follower.join(10)
    end_processes(context)
    return versions, len(told)


def end_processes(context):
    end = time.monotonic() + 30
    while context.processes("plugin-program") and time.monotonic() < end:
        time.sleep(0.05)


def check_recording(context, recording, heard):
    """Whether all was seen: with everything kept it gives what there is, and from a disk that forgets something is missing."""
    for _, disk in recording.at([len(recording.calls)]):
        if disk.unseen:
            context.broke("other", f"the recorder does not write down {sorted(set(disk.unseen))}")
            return False
        again = context.scratch / "again"
        disk.root.write(again, Whim(context.random, "all"))
        for one, two in ((recording.root, again), (again, recording.root)):
            for path in one.rglob("*"):
                twin = two / path.relative_to(one)
                if path.is_file() and not path.name.endswith(REMADE) and digest(path) != digest(twin):
                    context.broke("other", f"what was recorded does not give {path.relative_to(one)} as it is", [path, twin])
                    return False
        shutil.rmtree(again)
    if not recording.told or len(recording.told) < heard:
        context.broke("other", f"of {heard} results that a client heard of {len(recording.told)} were seen going out")
        return False
    # As with `synchronous=NORMAL`, and as without an fsync() of directories.
    last = recording.after(recording.told[-1][0])
    told = [result for _, result in recording.told]
    for blind in ("journal", "directories"):
        for _, disk in recording.at([last], blind=(blind,)):
            place = restore(context, disk, "nothing")
            if not missing(place, told):
                context.broke("other", f"nothing is lost on a disk that does not obey for the {blind}: this cannot find a loss")
                return False
    return True


def restore(context, disk, kind):
    place = context.scratch / "cut"
    shutil.rmtree(place, ignore_errors=True)
    disk.root.write(place, Whim(context.random, kind))
    return place


def missing(place, told):
    path = place / "record/taskwatt.sqlite"
    if not path.is_file():
        return told
    database = sqlite3.connect(path)
    try:
        return lost(told, database)
    except sqlite3.DatabaseError:
        return told
    finally:
        database.close()


def written_before(recording, files, cut):
    """The digests of which a file has to have one; empty where it need not be there yet."""
    before = [index for index, (place, _) in enumerate(files) if recording.after(place) <= cut]
    # The next may have come just before the cut.
    return {known for _, known in files[before[-1]:]} if before else set()


def look(context, disk, cut, told, written, by_daemon):
    kind = context.random.choice(Whim.KINDS)
    place = restore(context, disk, kind)
    context.inputs += 1
    where = f"power cut after call {cut}, kept: {kind}"
    kept = [path for path in place.rglob("*") if path.is_file() and path.name.startswith("taskwatt.sqlite")]
    before = [(path.name, path.read_bytes()) for path in kept]
    for name, known in written.items():
        if known and digest(place / "outputs" / name) not in known:
            context.broke("lost", f"{where}: `{name}` had been written, and is not what it was", [place / "outputs" / name], like=name)
    if by_daemon:
        start(context, place, where, before)
    path = place / "record/taskwatt.sqlite"
    if not path.is_file():
        if told:
            context.broke("lost", f"{where}: there is no record, and {len(told)} results had been told of", like="record")
        return
    database = sqlite3.connect(path)
    try:
        whole = [row[0] for row in database.execute("PRAGMA integrity_check")]
        if whole != ["ok"]:
            context.broke("other", f"{where}: the record is not whole: {'; '.join(whole)}", before, like="whole")
        elif told:
            gone = lost(told, database)
            if gone:
                context.broke("lost", f"{where}: {len(gone)} of {len(told)} results that a client was told of are gone: {gone[:3]}", before, like="results")
        if by_daemon and database.execute("SELECT count(*) FROM suite_run WHERE status = 'running'").fetchone()[0]:
            context.broke("other", f"{where}: a suite is said to run still", before, like="running")
    except sqlite3.DatabaseError as error:
        context.broke("lost" if told else "other", f"{where}: the record cannot be read: {error}", before, like="read")
    finally:
        database.close()


def start(context, place, where, before):
    state, environment = context.state, context.environment
    context.state, context.environment = place / "record", {**environment, "TASKWATT_STATE_DIR": str(place / "record")}
    daemon = Daemon(context, [])
    context.daemons = [daemon]
    try:
        if not daemon.answers():
            context.broke("hang" if daemon.is_alive else "crash", f"{where}: the daemon does not start\n{daemon.tail()}", before, like="start")
        elif not daemon.stop():
            context.broke("hang", f"{where}: the daemon does not end by SIGTERM", before, like="stop")
        daemon.kill()
    finally:
        context.state, context.environment = state, environment


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
