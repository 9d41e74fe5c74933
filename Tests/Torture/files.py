"""Files that are nearly what they ought to be, given to the commands that read them."""
import contextlib
import csv
import hashlib
import io
import json
import shutil
import sqlite3
import struct
import subprocess
import tarfile
import zipfile

import mutate
from common import ROOT, CRASH_TEXT

MOST_KIB = 300 << 10
# Seconds, for what takes a fraction of one where all is well.
PATIENCE = 20
# A plugin is started twice, and answers at once or not at all.
RUN_PATIENCE = 60
RUN = ("--repeats", "1", "--count", "2", "--idle", "0", "--quiet")


def run(context):
    context.need("run", "--task", "text-classification", "--repeats", "2", "--count", "5", "--set", "size=tiny", "--idle", "0.2")
    kinds = [Bundles(context), CSV(context), Suites(context), Configurations(context), Manifests(context), Messages(context), Models(context)]
    tried = {type(kind).__name__: 0 for kind in kinds}
    # What was made ready is none of the time: a busy machine would try nothing.
    context.begin()
    while not context.is_over:
        for kind in kinds:
            if context.is_over:
                break
            kind.attempt()
            tried[type(kind).__name__] += 1
    context.note = ", ".join(f"{name}: {count}, {kind.taken} taken" for (name, count), kind in zip(tried.items(), kinds))


class Kind:
    taken = 0

    def __init__(self, context):
        self.context, self.random = context, context.random
        self.directory = context.scratch / type(self).__name__
        self.directory.mkdir()
        self.start()

    def give(self, *arguments, inputs, patience=PATIENCE, most_kib=MOST_KIB):
        """Runs a command over hostile input, and looks how it ended."""
        self.context.inputs += 1
        ended = self.context.taskwatt(*arguments, patience=patience)
        command = " ".join(map(str, arguments[:2]))
        how = f"taskwatt {' '.join(map(str, arguments))}\n{ended.error[-3000:].decode(errors='replace')}"
        like = type(self).__name__
        if ended.hung:
            self.context.broke("hang", f"`{command}` does not end within {patience} s\n{how}", inputs, like=like)
        elif ended.crashed or CRASH_TEXT.search(ended.output):
            found = CRASH_TEXT.search(ended.error) or CRASH_TEXT.search(ended.output)
            self.context.broke(
                "crash", f"`{command}` ended with {ended.code}{f', {found[0].decode()}' if found else ''}\n{how}", inputs, like=like)
        elif ended.peak_kib > most_kib:
            took = f"`{command}` takes {ended.peak_kib >> 10} MiB, where {most_kib >> 10} are the bound"
            self.context.broke("memory", f"{took}\n{how}", inputs, like=like)
        else:
            controls = [byte for byte in ended.output + ended.error if byte < 0x20 and byte not in b"\t\n\r" or byte == 0x7F]
            if controls:
                self.context.broke("escape", f"`{command}` lets control characters through: {bytes(controls[:20])!r}\n{how}", inputs, like=like)
        self.taken += ended.code == 0
        return ended


class Bundles(Kind):
    def start(self):
        self.path = self.directory / "hostile.tar.zst"
        seed = self.directory / "seed.tar.zst"
        self.context.need("bundle", "last", "-o", seed)
        self.seed = seed.read_bytes()
        archive = subprocess.run(["zstd", "-dc", str(seed)], check=True, capture_output=True).stdout
        self.archive = archive
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            self.members = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}

    def attempt(self):
        random, dice = self.random, self.random.random()
        if dice < 0.1:
            self.path.write_bytes(mutate.data(random, self.seed))
        elif dice < 0.25:
            self.compress(mutate.data(random, self.archive))
        else:
            members = dict(self.members)
            for _ in range(random.choice((1, 1, 2))):
                name = random.choice([name for name in members if name != "manifest.json"])
                members[name] = self.changed(name, members[name])
            self.compress(self.packed(members))
        inputs = [self.path]
        self.give("verify", self.path, inputs=inputs)
        if random.random() < 0.5:
            # Into a record that does not have it yet.
            record = self.directory / "record"
            shutil.rmtree(record, ignore_errors=True)
            ended = self.give("import", "bundle", self.path, "--state-dir", record, inputs=inputs)
            if ended.code == 0:
                # Once it is in, it is read by everything.
                with contextlib.closing(sqlite3.connect(record / "taskwatt.sqlite")) as database:
                    suites = [row[0] for row in database.execute("SELECT uuid FROM suite_run")]
                    runs = [row[0] for row in database.execute("SELECT id FROM run LIMIT 3")]
                report = ("report", "--force", "-o", self.directory / "report.html")
                shown = [("show", str(run)) for run in suites + runs]
                for command in (("table",), ("list",), report, ("export",), ("export", "--samples"), *shown):
                    self.give(*command, "--state-dir", record, inputs=inputs)

    def changed(self, name, data):
        random = self.random
        if random.random() < 0.15:
            return mutate.data(random, data)
        if name.endswith(".jsonl"):
            lines = data.splitlines()
            at = random.randrange(len(lines))
            lines[at] = mutate.dump(mutate.json_value(random, json.loads(lines[at])))
            return b"\n".join(lines) + b"\n"
        if name.endswith(".json"):
            return mutate.dump(mutate.json_value(random, json.loads(data)))
        return mutate.text(random, data.decode()).encode("utf-8", "surrogatepass")[:8 << 20]

    def packed(self, members):
        """An archive whose sums are right, most times."""
        random = self.random
        manifest = json.loads(members["manifest.json"])
        sums = {hashlib.sha256(data).hexdigest(): hashlib.sha256(members[name]).hexdigest() for name, data in self.members.items()}
        sizes = {name: len(members[name]) for name in members}

        def mended(value):
            if isinstance(value, dict):
                value = {key: mended(item) for key, item in value.items()}
                # Of a file: its size beside its name.
                name = value.get("path") or value.get("name")
                if name in sizes:
                    value.update({key: sizes[name] for key in ("bytes", "size") if key in value})
                return value
            if isinstance(value, list):
                return [mended(item) for item in value]
            return sums.get(value, value) if isinstance(value, str) else value

        manifest = mended(manifest)
        if random.random() < 0.2:
            manifest = mutate.json_value(random, manifest)
        members = {**members, "manifest.json": mutate.dump(manifest)}
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, data in members.items():
                information = tarfile.TarInfo(name)
                information.size, information.mode = len(data), 0o644
                tar.addfile(information, io.BytesIO(data))
        # Python pads to 10 KiB; a bundle ends with two blocks of zeros.
        end = len(out.getvalue().rstrip(b"\0"))
        return out.getvalue()[:(end + 511) // 512 * 512] + b"\0" * 1024

    def compress(self, archive):
        with open(self.path, "wb") as out:
            subprocess.run(["zstd", "-q", "-c"], input=archive, stdout=out, check=True)


class CSV(Kind):
    def start(self):
        self.path = self.directory / "emissions.csv"
        self.context.need("export", "--format", "codecarbon", "--output", self.path)
        self.seed = self.path.read_text()
        self.paper = self.directory / "paper"
        self.context.need("export", "--format", "paper", "--output", self.paper)

    def attempt(self):
        random = self.random
        if random.random() < 0.3:
            logs = self.directory / "logs"
            shutil.rmtree(logs, ignore_errors=True)
            shutil.copytree(self.paper, logs)
            path = random.choice(sorted(path for path in logs.rglob("*") if path.is_file()))
            path.write_bytes(self.changed(path.read_text()))
            self.give("import", "paper", logs, inputs=[path])
        else:
            self.path.write_bytes(self.changed(self.seed))
            skip = ["--skip-bad"] if random.random() < 0.5 else []
            if self.give("import", "codecarbon", self.path, "--task", "fill-mask", *skip, inputs=[self.path]).code == 0:
                self.give("table", "--source", "codecarbon", inputs=[self.path])
                self.give("export", "--source", "codecarbon", inputs=[self.path])
        self.context.taskwatt("import", "undo")

    def changed(self, text):
        random, dice = self.random, self.random.random()
        if dice < 0.2:
            return mutate.data(random, text.encode())
        if dice < 0.3:
            return random.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"sep=;\n")) + text.encode(random.choice(("utf-8", "utf-16-le", "latin-1")))
        rows = list(csv.reader(io.StringIO(text)))
        for _ in range(random.choice((1, 1, 2, 5))):
            row = random.choice(rows)
            if row:
                row[random.randrange(len(row))] = random.choice(mutate.NUMBER_TEXTS if random.random() < 0.75 else mutate.TEXTS)
        if random.random() < 0.1:
            rows += rows[1:] * 3000
        out = io.StringIO()
        csv.writer(out, delimiter=random.choice(",,,;\t|")).writerows(rows)
        return out.getvalue().encode("utf-8", "surrogatepass")


class Texts(Kind):
    """What is written in YAML."""

    def changed(self, text):
        random, dice = self.random, self.random.random()
        if dice < 0.15:
            return mutate.data(random, text.encode())
        if dice < 0.2:
            bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi"))
            return (text + "\n" + bomb).encode()
        if dice < 0.25:
            return (text + "\nx: " + random.choice("[{") * random.choice((50, 10_000, 200_000))).encode()
        return mutate.text(random, text).encode("utf-8", "surrogatepass")[:4 << 20]


class Suites(Texts):
    def start(self):
        self.path = self.directory / "suite.yaml"
        self.seeds = [path.read_text() for path in sorted((ROOT / "Sources/Suites").glob("*.yaml"))]

    def attempt(self):
        self.path.write_bytes(self.changed(self.random.choice(self.seeds)))
        # A task that no suite has, by a plugin that lacks what it needs: it is read, bounded and refused, and nothing is measured.
        ended = self.give("run", self.path, "--task", "custom", inputs=[self.path])
        # What is taken is what got so far.
        self.taken += b"needs the parameter" in ended.error


class Configurations(Texts):
    def start(self):
        self.path = self.directory / "taskwatt.yaml"
        # Its examples are comments: they begin with a key directly behind the sign, and go on to the next line that is none.
        lines, is_example = [], False
        for line in (ROOT / "Systemd/taskwatt.yaml").read_text().split("\n"):
            is_example = line.startswith("#") and (is_example or line[1:2].isalpha())
            lines.append(line[1:] if is_example else "")
        self.seed = "\n".join(lines)

    def attempt(self):
        self.path.write_bytes(self.changed(self.seed))
        self.give("config", "check", self.path, inputs=[self.path])


PLUGIN = '''#!/bin/sh
# Answers as the file beside it says, a line for each request.
exec python3 -S -c '
import json, os, sys, time
lines = open(sys.argv[1], "rb").read().split(b"\\0")
for number, line in enumerate(sys.stdin.buffer):
    if number < len(lines):
        count = json.loads(line).get("params", {}).get("count", 0)
        start = time.monotonic()
        time.sleep(min(0.3, 0.02 * count))
        answer = lines[number].replace(b"\\"START\\"", b"%.6f" % start).replace(b"\\"END\\"", b"%.6f" % time.monotonic())
        answer = answer.replace(b"\\"COUNT\\"", b"%d" % count)
        os.write(1, answer + b"\\n")
        if b"shutdown" in line: break
    else:
        break
' "$(dirname "$0")/answers"
'''


class Manifests(Texts):
    def start(self):
        self.plugin = self.directory / "hostile"
        self.plugin.mkdir()
        (self.plugin / "program").write_text("#!/bin/sh\nexit 1\n")
        (self.plugin / "program").chmod(0o755)
        self.seeds = [path.read_text() for path in sorted((ROOT / "Plugins").glob("*/plugin.yaml"))]

    def attempt(self):
        text = self.changed(self.random.choice(self.seeds))
        # It is to start our program and no other.
        lines = [line for line in text.split(b"\n") if not line.lstrip().startswith((b"program:", b"python:", b"name:"))]
        (self.plugin / "plugin.yaml").write_bytes(b"name: hostile\nprogram: program\n" + b"\n".join(lines))
        inputs = [self.plugin / "plugin.yaml"]
        ended = self.give("plugin", "check", self.plugin, inputs=inputs, patience=RUN_PATIENCE)
        # The program does not speak the protocol: what is taken is what came so far as to try it.
        self.taken += "✗".encode() in ended.output


class Messages(Kind):
    """A plugin whose answers are hostile."""

    def start(self):
        self.plugin = self.directory / "hostile"
        self.plugin.mkdir()
        (self.plugin / "plugin.yaml").write_text(
            "name: hostile\nversion: 1.0.0\ndescription: answers badly\nprogram: program\ntasks: [{id: fill-mask}]\n"
            "limits: {start_s: 10, prepare_s: 10, inference_s: 5}\n")
        (self.plugin / "program").write_text(PLUGIN)
        (self.plugin / "program").chmod(0o755)
        self.context.environment["TASKWATT_PLUGIN_PATH"] = str(self.directory)

    def attempt(self):
        random = self.random
        workload = {"model": "m", "dataset": "d", "size": "tiny", "device": "cpu", "precision": "fp32", "batch": 1, "engine": "e 1",
                    "parameter_count": 10, "operations_per_inference": 100, "parameters": {"a": 1}}
        result = {"completed": "COUNT", "failed": 0, "start_monotonic_s": "START", "end_monotonic_s": "END",
                  "metrics": {"input_tokens": 5, "output_tokens": 7}}
        one = {**result, "completed": 1, "latencies_s": [1e-5]}
        answers = [{"protocol_version": 1, "workload": workload}, {}, one, one] + [result] * 12
        hostile = random.randrange(len(answers[:8]))
        lines = []
        for number, answer in enumerate(answers):
            if number == hostile:
                answer = mutate.json_value(random, answer)
            message = {"jsonrpc": "2.0", "id": number + 1, "result": answer}
            if number == hostile and random.random() < 0.2:
                message = mutate.json_value(random, message)
            line = mutate.dump(message)
            if number == hostile and random.random() < 0.1:
                line = mutate.data(random, line)
            if number == hostile and random.random() < 0.3:
                progress = {"jsonrpc": "2.0", "method": "progress", "params": {"message": "\x1b[31mred", "completed": 1, "total": 2}}
                line = mutate.dump(mutate.json_value(random, progress)) + b"\n" + line
            lines.append(line)
        (self.plugin / "answers").write_bytes(b"\0".join(lines))
        inputs = [self.plugin / "answers", self.plugin / "program"]
        ended = self.give(
            "run", "--task", "fill-mask", "--plugin", "hostile", "--repeats", "1", "--count", "2", "--idle", "0", inputs=inputs, patience=RUN_PATIENCE)
        if ended.code == 0:
            for command in (("show", "last"), ("table",), ("report", "--force", "-o", self.directory / "report.html"), ("export",)):
                self.give(*command, inputs=inputs)


class Models(Kind):
    """A model in ONNX, and the arrays for it."""

    def start(self):
        self.path = self.directory / "model.onnx"
        self.array, self.arrays = self.directory / "x.npy", self.directory / "x.npz"
        tensor = field(2, b"".join(field(1, number(1, size)) for size in (2, 3)))
        type_ = field(1, number(1, 1) + tensor)
        value = lambda name: field(1, name) + field(2, type_)
        node = field(1, b"X") + field(2, b"Y") + field(3, b"n") + field(4, b"Relu")
        graph = field(1, node) + field(2, b"g") + field(11, value(b"X")) + field(12, value(b"Y"))
        self.model = number(1, 8) + field(7, graph) + field(8, field(1, b"") + number(2, 13))
        self.npy = npy("<f4", "(2, 3)", struct.pack("<6f", *range(6)))

    def attempt(self):
        random, dice = self.random, self.random.random()
        model, array, path = self.model, self.npy, self.array
        if dice < 0.4:
            model = mutate.data(random, model)
        elif dice < 0.7:
            array = mutate.data(random, array) if random.random() < 0.5 else npy(
                random.choice(("<f4", "<f8", "<i8", "|O", "<U1", ">f4", "<f999999999", "x")),
                random.choice(("(2, 3)", "()", "(-1,)", "(9223372036854775807, 2)", "(4294967296, 4294967296)", "(2, 3" + ", 1" * 5000 + ")", "(0, 0)")),
                struct.pack("<6f", *range(6)))
        else:
            path = self.arrays
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
                archive.writestr("X.npy", array if random.random() < 0.8 else b"\0" * (50 << 20))
            array = packed.getvalue() if random.random() < 0.1 else mutate.data(random, packed.getvalue())
        self.path.write_bytes(model)
        path.write_bytes(array)
        # Loading the engine takes memory of its own.
        self.give(
            "run", "--task", "custom", "--plugin", "onnx-model", "--model", self.path, "--set", f"inputs={path}", *RUN,
            inputs=[self.path, path], patience=RUN_PATIENCE)


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def number(tag, value):
    return varint(tag << 3) + varint(value)


def field(tag, data):
    return varint(tag << 3 | 2) + varint(len(data)) + data


def npy(type_, shape, data):
    head = f"{{'descr': '{type_}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) & 0xFFFF) + head + data
