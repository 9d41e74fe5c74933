"""A device that wants Digest authentication (RFC 7616) of the user `admin` with the password `p:ss wörd`.

Usage: digest_server.py ALGORITHM, which is MD5, SHA-256 or both. Prints its port, and ends with its input. Whatever is asked for is
answered with
`{"p": 12.5}`; `/shelly` and `/log`, the requests so far, need no password. A nonce serves ten requests, and each count of it
one.
"""

import hashlib
import http.server
import json
import re
import secrets
import sys
import threading

USER, PASSWORD, REALM = "admin", "p:ss wörd", "plug"
HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
WANTED = {"both": ["SHA-256", "MD5"]}.get(sys.argv[1], [sys.argv[1]])
counts = {}
log = []


def is_right(given, method, uri):
    """Whether the fields of an Authorization header prove that their sender has the password, here and now."""
    if given.get("algorithm", "MD5") not in WANTED or given.get("uri") != uri or given.get("qop") != "auth":
        return False
    nonce, count = given.get("nonce"), int(given.get("nc", "0"), 16)
    if nonce not in counts or count <= counts[nonce] or count > 10:
        return False
    made = HASHES[given.get("algorithm", "MD5")]

    def digest(text):
        return made(text.encode()).hexdigest()

    first = digest(f"{USER}:{REALM}:{PASSWORD}")
    second = digest(f"{method}:{uri}")
    proof = digest(f"{first}:{nonce}:{given['nc']}:{given['cnonce']}:auth:{second}")
    if given.get("username") != USER or given.get("response") != proof:
        return False
    counts[nonce] = count
    return True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        authorization = self.headers.get("Authorization", "")
        scheme, _, rest = authorization.partition(" ")
        given = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', rest)}
        if self.path == "/log":
            return self.answer(200, log)
        is_let_in = scheme == "Digest" and is_right(given, self.command, self.path)
        log.append({"path": self.path, "scheme": scheme, "letIn": is_let_in})
        if self.path == "/shelly":
            return self.answer(200, {"gen": 2, "auth_en": True})
        if is_let_in:
            return self.answer(200, {"p": 12.5, "switch:0": {"apower": 12.5}})
        self.answer(401, {"error": "who are you"}, challenge=True)

    def answer(self, status, value, challenge=False):
        body = json.dumps(value).encode()
        self.send_response(status)
        if challenge:
            for algorithm in WANTED:
                nonce = secrets.token_hex(8)
                counts[nonce] = 0
                self.send_header(
                    "WWW-Authenticate",
                    f'Digest realm="{REALM}", qop="auth", algorithm={algorithm}, nonce="{nonce}"',
                )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
