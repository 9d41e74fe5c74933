"""A hostile client of the daemon: requests of the API's document with values as nobody sends them, and HTTP that is none."""
import json
import select
import socket
import time
import urllib.parse

import mutate
from common import ENDLESS, ROOT, START_PATIENCE

# The unit's MemoryMax= is 2 GiB: a quarter of it.
MOST_KIB = 512 << 10
# Within this it says how it is, asked three times; a machine whose cores are all taken may cost one answer.
STATUS_PATIENCE = 2
BATCH = 40
ALIAS_BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi"))


class Requests:
    """Makes requests from the document."""

    def __init__(self, context, seeds):
        self.random, self.seeds = context.random, seeds
        self.document = json.loads((ROOT / "Sources/Service/openapi.json").read_text())
        self.operations = [
            (path, method.upper(), operation, routes.get("parameters", []) + operation.get("parameters", []))
            for path, routes in self.document["paths"].items()
            for method, operation in routes.items() if method in ("get", "put", "post", "delete", "patch")
            # A body is where most can be wrong.
            for _ in range(5 if "requestBody" in operation else 1)]

    def resolved(self, schema):
        while "$ref" in schema:
            found = self.document
            for step in schema["$ref"].split("/")[1:]:
                found = found[step]
            schema = found
        return schema

    def valid(self, schema, depth=0):
        """A value that the schema allows, more or less."""
        random, schema = self.random, self.resolved(schema)
        for union in ("oneOf", "anyOf", "allOf"):
            if union in schema:
                return self.valid(random.choice(schema[union]), depth + 1)
        if "enum" in schema:
            return random.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "object":
            known = schema.get("properties", {})
            names = [name for name in known if name in schema.get("required", []) or depth < 6 and random.random() < 0.4]
            return {name: self.valid(known[name], depth + 1) for name in names}
        if kind == "array":
            return [self.valid(schema.get("items", {}), depth + 1) for _ in range(random.choice((0, 1, 1, 3)))]
        if kind in ("integer", "number"):
            low, high = schema.get("minimum", 0), schema.get("maximum", 1000)
            number = random.choice((low, high, low + (high - low) * random.random()))
            return int(number) if kind == "integer" else number
        if kind == "boolean":
            return random.random() < 0.5
        return random.choice(("tiny", "text-classification", "last", "onnx-proxies", "cpu", "a")) if kind == "string" else mutate.value(random)

    def parameter(self, schema):
        random = self.random
        dice = random.random()
        if dice < 0.4:
            found = self.valid(schema)
            found = found if isinstance(found, str) else json.dumps(found)
        else:
            found = random.choice(mutate.NUMBER_TEXTS if dice < 0.7 else mutate.TEXTS)
        found = found[:6000]
        # As it ought to be, or as it is: broken escapes, NUL and all.
        if random.random() < 0.95:
            return urllib.parse.quote(found, safe="")
        return random.choice(("%", "%zz", "%00", "%ff%fe", "%c0%af", "+", "&", "#", ";", "=")) + found.replace("\n", "").replace("\r", "")[:200]

    def body(self, schema, path):
        random = self.random
        if path == "/v1/imports/bundle":
            bundle = self.seeds["bundle"]
            return random.choice((bundle, mutate.data(random, bundle), mutate.data(random, bundle), b"", random.randbytes(3000)))
        if path == "/v1/imports" and random.random() < 0.7:
            original = self.seeds["import"]
        elif path == "/v1/jobs" and random.random() < 0.5:
            texts = (self.seeds["suite"], mutate.text(random, self.seeds["suite"]), mutate.text(random, self.seeds["suite"]), ALIAS_BOMB)
            original = {"suite": "tiny", "suite_text": random.choice(texts),
                        "overrides": {"tasks": ["text-classification"], "parameters": {}, "count": 1, "repeats": 1}}
        else:
            original = self.valid(schema)
        dice = random.random()
        if dice < 0.1:
            return mutate.dump(original)
        if dice < 0.85:
            return mutate.dump(mutate.json_value(random, original))
        return mutate.data(random, mutate.dump(original))

    def next(self):
        """The bytes of a request, as it ought to be framed."""
        random = self.random
        path, method, operation, parameters = random.choice(self.operations)
        query, target = [], path
        for parameter in map(self.resolved, parameters):
            if parameter["in"] == "path":
                target = target.replace("{" + parameter["name"] + "}", self.parameter(parameter["schema"]))
            elif random.random() < 0.25 or parameter.get("required"):
                for _ in range(random.choice((1, 1, 1, 2, 50))):
                    query.append(parameter["name"] + "=" + self.parameter(parameter["schema"]))
        while "{" in target:
            begin, end = target.index("{"), target.index("}")
            target = target[:begin] + self.parameter({"type": "string"}) + target[end + 1:]
        if query:
            target += "?" + "&".join(query)[:60000]
        body, type_ = b"", "application/json"
        content = self.resolved(operation.get("requestBody", {})).get("content", {})
        if content:
            type_ = next(iter(content))
            body = self.body(content[type_].get("schema", {}), path)
        if random.random() < 0.05:
            method = random.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "CONNECT", "BREW"))
        head = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Content-Type: {type_}", "Connection: close"]
        if body or method == "POST":
            head.append(f"Content-Length: {len(body)}")
        if random.random() < 0.05:
            head.append(random.choice((
                "Accept-Encoding: gzip", "Range: bytes=0-18446744073709551615", "If-None-Match: *", "Expect: 100-continue",
                "Host: evil.example", "Sec-Fetch-Site: cross-site", "Origin: http://evil.example", "Upgrade: websocket", "Upgrade: h2c",
                "Authorization: Bearer " + "x" * 3000, "Last-Event-ID: 99999999999999999999", "Cookie: " + "a=b;" * 500)))
        return "\r\n".join(head).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body

    def broken(self):
        """What is no HTTP, or is it only in part."""
        random = self.random
        post = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        get = b"GET /v1/status HTTP/1.1\r\nHost: localhost\r\n"
        return random.choice((
            lambda: get[:random.randrange(len(get))],
            lambda: get + b"X: " + b"y" * random.choice((8000, 100_000, 2_000_000)) + b"\r\n\r\n",
            lambda: get + b"".join(b"X%d: y\r\n" % number for number in range(random.choice((100, 10_000)))) + b"\r\n",
            lambda: b"GET /" + b"a" * random.choice((8000, 200_000)) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
            lambda: post + b"Content-Length: " + random.choice(mutate.NUMBER_TEXTS).encode()[:30] + b"\r\n\r\n{}",
            lambda: post + b"Content-Length: 10\r\nContent-Length: 20\r\n\r\n{}",
            lambda: post + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            lambda: post + b"Transfer-Encoding: chunked\r\n\r\n" + random.choice((
                b"ffffffffffffffff\r\n{}", b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n", b"2;" + b"x" * 100_000 + b"\r\n{}\r\n0\r\n\r\n",
                b"1\r\n{\r\n" * 5000 + b"0\r\n\r\n", b"2\r\n{}\r\n0\r\nX: y\r\n\r\n", b"7fffffffffffffff\r\n" + b"x" * 5000)),
            lambda: (get + b"\r\n") * random.choice((2, 50, 1000)),
            lambda: b"\r\n" * 5000 + get + b"\r\n",
            lambda: get.replace(b"1.1", random.choice((b"0.9", b"1.0", b"2.0", b"9.9", b"1.1.1", b"x"))) + b"\r\n",
            lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + random.randbytes(200),
            lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.randbytes(500),
            lambda: random.randbytes(random.choice((1, 100, 10_000))),
            lambda: get + b"X\0Y: z\r\n: empty\r\n folded\r\n\r\n",
            lambda: mutate.data(random, self.next()),
        ))()


def send(address, data, patience):
    """Sends bytes, and reads what comes until the end, the patience's end, or a quarter of a megabyte. The first line of the answer."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(patience)
        answer, end = b"", time.monotonic() + patience
        try:
            connection.connect(address)
            connection.sendall(data)
        except OSError:
            pass  # It may hang up on us in the middle, and say why.
        try:
            while len(answer) < 256 << 10 and select.select([connection], [], [], max(0, end - time.monotonic()))[0]:
                piece = connection.recv(65536)
                if not piece:
                    break
                answer += piece
                # Streams have no end: one event is enough.
                if b"text/event-stream" in answer and b"\n\n" in answer:
                    break
        except OSError:
            pass
        return answer


def seeds(context):
    """A record with something in it, and from it what valid bodies are made of."""
    context.need("run", "--task", "text-classification", "--repeats", "2", "--count", "5", "--set", "size=tiny", "--idle", "0.2")
    bundle = context.scratch / "seed.tar.zst"
    context.need("bundle", "last", "-o", bundle)
    exported = context.need("export", "--format", "jsonl").output.splitlines()
    runs = [json.loads(line)["record"] for line in exported[:2]]
    batch = {"source": "codecarbon", "file": "emissions.csv", "sha256": "0" * 64, "version": "1", "suites": [{
        "uuid": "11111111-2222-4333-8444-555555555555", "suite": "imported", "machine": "m", "inventory": "{}", "machine_state": "{}",
        "started_at_unix_s": 1.7e9, "ended_at_unix_s": 1.7e9 + 100, "runs": runs}]}
    return {"bundle": bundle.read_bytes(), "import": batch, "suite": (ROOT / "Sources/Suites/tiny.yaml").read_text()}


def run(context):
    requests = Requests(context, seeds(context))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = lambda: context.daemon("--listen", f"127.0.0.1:{port}")
    daemon = start()
    if not daemon.answers():
        return context.broke("crash", f"the daemon does not start\n{daemon.tail()}")
    statuses, slow, idle = {}, 0, []
    context.taskwatt(*ENDLESS)
    context.begin()
    while not context.is_over:
        sent = []
        for _ in range(BATCH):
            is_whole = context.random.random() < 0.8
            data = requests.next() if is_whole else requests.broken()
            address = str(daemon.socket) if context.random.random() < 0.7 else ("127.0.0.1", port)
            sent.append(data)
            if context.random.random() < 0.05:
                idle.append(silent(address, data[:context.random.randrange(len(data) + 1)]))
                continue
            answer = send(address, data, 2 if is_whole else 0.2)
            context.inputs += 1
            first = answer.split(b"\r\n", 1)[0].decode(errors="replace")
            status = first.split(" ")[1] if first.startswith("HTTP/1.1 ") else "none"
            statuses[status] = statuses.get(status, 0) + 1
            if status == "500":
                context.broke(
                    "500", f"{data[:80]!r} is answered with {answer[-200:]!r}", [("request", data), ("answer", answer)],
                    like=data.split(b" HTTP")[0].split(b"?")[0])
            if not daemon.is_alive:
                break
        for connection in idle[:-30]:
            if connection:
                connection.close()
        idle = idle[-30:]
        if not daemon.is_alive:
            context.broke(
                "crash", f"the daemon ended with {daemon.process.poll()} after {sent[-1][:200]!r}\n{daemon.tail()}",
                [(f"request-{number:02}", data) for number, data in enumerate(sent)])
            daemon = start()
            if not daemon.answers():
                return context.broke("crash", f"it does not start again\n{daemon.tail()}", list(context.state.iterdir()))
        elif not daemon.answers(STATUS_PATIENCE):
            slow += 1
            if not daemon.answers(STATUS_PATIENCE) and not daemon.answers(STATUS_PATIENCE):
                context.broke(
                    "hang", f"no answer of /v1/status within {STATUS_PATIENCE} s, asked three times\n{daemon.tail()}",
                    [(f"request-{number:02}", data) for number, data in enumerate(sent)])
                if not daemon.answers(START_PATIENCE):
                    return
        if daemon.peak_kib > MOST_KIB:
            context.broke(
                "memory", f"{daemon.peak_kib >> 10} MiB, where {MOST_KIB >> 10} are the bound",
                [(f"request-{number:02}", data) for number, data in enumerate(sent)])
            daemon.kill()
            daemon = start()
            if not daemon.answers():
                return context.broke("crash", f"it does not start again\n{daemon.tail()}", list(context.state.iterdir()))
        # What it was made to do is not what is tried here, and is not to fill the queue.
        daemon.ask("DELETE", "/v1/hold")
        for job in daemon.jobs():
            if job["state"] in ("queued", "running") and context.random.random() < 0.9:
                daemon.ask("DELETE", f"/v1/jobs/{job['id']}")
    for connection in idle:
        if connection:
            connection.close()
    if not daemon.stop():
        context.broke("hang", f"the daemon does not end by SIGTERM\n{daemon.tail()}")
    if context.inputs >= 200 and not {"200", "400"} <= statuses.keys():
        context.broke("other", f"no request was as it ought to be: {statuses}")
    context.note = "answers " + ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items())) + f"; {slow} slow"


def silent(address, data):
    """A connection that says a part and nothing more."""
    connection = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, socket.SOCK_STREAM)
    connection.settimeout(1)
    try:
        connection.connect(address)
        connection.sendall(data)
    except OSError:
        connection.close()
        return None
    return connection
