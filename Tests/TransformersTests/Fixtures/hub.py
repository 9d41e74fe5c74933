"""A hub of models and data sets on this machine: of the Hugging Face hub's HTTP API what its client asks for.

    python hub.py FOLDER

Serves FOLDER/models/OWNER/NAME and FOLDER/datasets/OWNER/NAME on a free port of the
loopback address, and prints its URL first.
"""
import hashlib
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

ROOT = os.path.realpath(sys.argv[1])
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def files(folder):
    return sorted(os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names)


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name == "Content-Length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def reply_json(self, value):
        self.reply(200, json.dumps(value).encode(), [("Content-Type", "application/json")])

    def missing(self, code):
        self.reply(404, b'{"error": "not found"}', [("X-Error-Code", code), ("X-Error-Message", "not found")])

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if parts[0] == "api" and parts[4:5] == ["paths-info"]:
            paths = json.loads(body)["paths"] if body[:1] == b"{" else []
            folder = os.path.join(ROOT, *parts[1:4])
            return self.reply_json([self.entry(folder, path) for path in paths if path in files(folder)])
        self.reply_json({})

    def entry(self, folder, path):
        full = os.path.join(folder, path)
        with open(full, "rb") as file:
            oid = hashlib.sha1(file.read()).hexdigest()
        return {"type": "file", "path": path, "size": os.path.getsize(full), "oid": oid}

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if parts[0] == "api":
            name, rest, folder = "/".join(parts[2:4]), parts[4:], os.path.join(ROOT, *parts[1:4])
            if not os.path.isdir(folder):
                return self.missing("RepoNotFound")
            if rest[:1] == ["tree"]:
                below = "/".join(rest[2:])
                entries = [self.entry(folder, path) for path in files(folder) if path.startswith(below)]
                return self.reply_json(entries)
            return self.reply_json({
                "id": name, "modelId": name, "sha": COMMIT, "private": False, "gated": False, "disabled": False,
                "tags": [], "downloads": 0, "likes": 0, "lastModified": "2026-01-01T00:00:00.000Z",
                "siblings": [{"rfilename": path} for path in files(folder)]})
        kind = "datasets" if parts[0] == "datasets" else "models"
        owner, name, _, _, *path = parts[1:] if kind == "datasets" else parts
        full = os.path.join(ROOT, kind, owner, name, *path)
        if not os.path.isdir(os.path.join(ROOT, kind, owner, name)):
            return self.missing("RepoNotFound")
        if not os.path.isfile(full):
            return self.missing("EntryNotFound")
        with open(full, "rb") as file:
            body = file.read()
        etag = hashlib.sha1(body).hexdigest()
        headers = [("X-Repo-Commit", COMMIT), ("ETag", f'"{etag}"'), ("Accept-Ranges", "bytes")]
        asked = self.headers.get("Range")
        if asked:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            end = min(int(last) + 1, len(body)) if last else len(body)
            part = body[int(first):end]
            headers.append(("Content-Range", f"bytes {first}-{end - 1}/{len(body)}"))
            return self.reply(206, part, headers)
        self.reply(200, body, [*headers, ("Content-Length", str(len(body)))])

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
