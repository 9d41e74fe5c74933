"""Clients that are slow, hostile or broken, and those that come between them."""
import base64
import errno
import hashlib
import json
import socket
import ssl
import struct
import threading
import time

from .records import PATIENCE, Failure

# One crowd at once, of all collectors: each of its connections is a descriptor here.
CROWD = threading.Lock()
# What whoever comes at a bad time may be answered; `None` is a connection that ends.
BUSY = {None, 429, 503}
# Bundles that one sends at once: a collector takes 64 of all.
HOARD = 70


class Client:
    """A machine that was enrolled, without a Taskwatt of its own."""

    def __init__(self, fleet, name, host):
        self.fleet, self.name, self.host = fleet, name, host
        self.context = ssl.create_default_context(cafile=f"{fleet.directory}/ca.pem")
        end = time.monotonic() + PATIENCE
        while True:
            # An answer that does not come may have been one.
            self.invitation = fleet.invite(name)
            status, body = self.exchange("/v1/enroll", self.enrolment())
            if status == 201:
                break
            if status not in BUSY or time.monotonic() > end:
                raise Failure("refused", f"the enrolment of {name} is answered {status}")
        self.token = json.loads(body)["token"]

    def enrolment(self):
        return json.dumps({"token": self.invitation, "machines": [self.host]}).encode()

    def connect(self):
        return self.context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.fleet.port), PATIENCE), server_hostname="127.0.0.1")

    @staticmethod
    def digest(body):
        return f"Content-Digest: sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"

    @staticmethod
    def head(path, *fields, token=None, length=None):
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *fields]
        lines += [f"Content-Length: {length}"] if length is not None else []
        lines += [f"Authorization: Bearer {token}"] if token else []
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    @staticmethod
    def answer(connection):
        """The status and the body."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(1 << 16)
            if not more:
                return None, b""
            data += more
        head, body = data.split(b"\r\n\r\n", 1)
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        while len(body) < length and (more := connection.recv(1 << 16)):
            body += more
        return int(head.split()[1]), body

    def exchange(self, path, body, *fields, token=None, before_the_last=None):
        """The status and the body; `None` where the connection ends without one."""
        hasWaited = before_the_last is None
        try:
            with self.connect() as connection:
                connection.sendall(self.head(path, *fields, token=token, length=len(body)) + body[:-1])
                if not hasWaited:
                    hasWaited = True
                    before_the_last()
                connection.sendall(body[-1:])
                return self.answer(connection)
        except (OSError, ValueError):
            if not hasWaited:
                # The others wait for this one.
                before_the_last()
            return None, b""

    def ask(self, *arguments, **more):
        return self.exchange(*arguments, **more)[0]

    def send(self, body, **more):
        return self.ask("/v1/bundles", body, self.digest(body), token=self.token, **more)


class Enemy(Client):
    def __init__(self, fleet, choice, number):
        super().__init__(fleet, f"enemy{number}", f"enemy-host{number}")
        revoked = Client(fleet, f"revoked{number}", f"revoked-host{number}")
        fleet.must("collect", "revoke", revoked.name, "--state-dir", fleet.state)
        self.revoked = revoked.token

        def made(host):
            path, _ = next(iter(fleet.suites(choice, 1, host).values()))
            body = path.read_bytes()
            path.unlink()
            return body

        self.forged, self.own = made(fleet.host), made(self.host)
        self.stop, self.hoards = threading.Event(), threading.Event()

    def raw(self, *pieces, ends=True):
        """The status that an answer to these bytes has, if any."""
        try:
            with self.connect() as connection:
                for piece in pieces:
                    connection.sendall(piece)
                return self.answer(connection)[0] if ends else None
        except (OSError, ValueError, IndexError):
            return None

    def attempts(self):
        """What is tried, and what it is answered where nobody else is there."""
        path, own, right = "/v1/bundles", self.own, self.digest(self.own)
        return [
            ("half a body", lambda: self.raw(self.head(path, right, token=self.token, length=len(own)), own[:len(own) // 2], ends=False),
             {None}),
            ("a wrong hash", lambda: self.ask(path, own, self.digest(b"x"), token=self.token), {400}),
            ("no hash", lambda: self.ask(path, own, token=self.token), {400}),
            ("a broken bundle", lambda: self.send(own[:-9]), {422}),
            ("junk", lambda: self.send(b"junk"), {422}),
            ("a forged machine", lambda: self.send(self.forged), {422}),
            ("a body that would fill the disk", lambda: self.raw(self.head(path, right, token=self.token, length=1 << 40)), {413}),
            ("no token", lambda: self.ask(path, own, right), {401}),
            ("a wrong token", lambda: self.ask(path, own, right, token="0" * 64), {401}),
            ("a revoked token", lambda: self.ask(path, own, right, token=self.revoked), {401}),
            ("a token of enrolment", lambda: self.ask(path, own, right, token=self.invitation), {401}),
            ("a replayed enrolment", lambda: self.ask("/v1/enroll", self.enrolment()), {403}),
            ("another path", lambda: self.ask("/../../collector.sqlite", b"x"), {400, 404}),
            ("no HTTP", lambda: self.raw(b"\0\xff" * 100 + b"\r\n\r\n"), {None, 400}),
            ("no TLS", self.plain, {None}),
        ]

    def plain(self):
        try:
            with socket.create_connection(("127.0.0.1", self.fleet.port), PATIENCE) as connection:
                connection.sendall(self.head("/v1/bundles", length=0))
                # A record of TLS, such as an alert, is no answer.
                return None if not connection.recv(99).startswith(b"HTTP") else 200
        except OSError:
            return None

    def slow(self, *pieces):
        """These, and then a byte a second, as long as it is let."""
        while not self.stop.is_set():
            try:
                with self.connect() as connection:
                    for piece in pieces:
                        connection.sendall(piece)
                    while not self.stop.wait(1):
                        connection.sendall(b"x")
            except OSError:
                # Not again at once.
                self.stop.wait(1)

    def hoard(self):
        """More bundles at once than the collector has places, none of which ends, and all as fast as it asks for."""
        head = self.head("/v1/bundles", self.digest(self.own), token=self.token, length=200 << 20)
        held = []
        while True:
            for one in list(held):
                try:
                    one.sendall(bytes(40_000))
                except TimeoutError:
                    # It does not ask for more now.
                    pass
                except OSError:
                    one.close()
                    held.remove(one)
            while len(held) < HOARD and not self.stop.is_set():
                try:
                    held.append(self.connect())
                    held[-1].settimeout(0.2)
                    held[-1].sendall(head)
                except OSError:
                    break
            if len(held) == HOARD:
                self.hoards.set()
            if self.stop.wait(1):
                break
        for one in held:
            one.close()

    def slow_ones(self):
        head = self.head("/v1/bundles", self.digest(self.own), token=self.token, length=len(self.own))
        return [(), (head[:40],), (head,), (head, self.own[:-100])]


class Crowd:
    """Connections that say nothing, opened anew where they are closed."""

    def __init__(self, port, count, stop):
        self.port, self.count, self.stop, self.held, self.opened, self.most = port, count, stop, [], 0, 0

    def fill(self, most):
        for _ in range(min(most, self.count - len(self.held))):
            try:
                one = socket.socket()
            except OSError:
                return
            # No port is kept for what has ended.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.setblocking(False)
            if one.connect_ex(("127.0.0.1", self.port)) not in (0, errno.EINPROGRESS):
                one.close()
                return
            self.held.append(one)
            self.opened += 1

    def sieve(self):
        kept = []
        established = 0
        for one in self.held:
            try:
                if one.recv(1):
                    kept.append(one)
                    continue
            except BlockingIOError:
                kept.append(one)
                try:
                    one.getpeername()
                    established += 1
                except OSError:
                    pass
                continue
            except OSError:
                pass
            one.close()
        self.held, self.most = kept, max(self.most, established)

    def stay(self):
        """A thread's."""
        self.fill(self.count)
        while not self.stop.wait(0.5):
            self.sieve()
            self.fill(500)
        self.sieve()
        for one in self.held:
            one.close()


def attack(enemy, problems, isAlone):
    for name, act, allowed in enemy.attempts():
        end = time.monotonic() + PATIENCE
        while (status := act()) in BUSY - allowed and isAlone and time.monotonic() < end:
            # A machine that is busy was too slow for the collector, which does not wait.
            time.sleep(1)
        if status not in (allowed if isAlone else allowed | BUSY):
            problems.append(f"{name} is answered {status}")


def hostile(fleet, choice, number):
    """half bodies, wrong hashes, forged machines, replayed and revoked tokens, junk, clients that send a byte a second, seventy
    bundles at once that never end, and connections that say nothing, all together; meanwhile a machine sends"""
    enemy = Enemy(fleet, choice, number)
    problems = []
    attack(enemy, problems, isAlone=True)
    if problems:
        raise Failure("lets in", "; ".join(problems))
    agent = fleet.agent(fleet.suites(choice, 3))
    with CROWD:
        crowd = Crowd(fleet.port, fleet.connections, enemy.stop)
        threads = [threading.Thread(target=crowd.stay)]
        threads += [threading.Thread(target=enemy.slow, args=pieces) for pieces in enemy.slow_ones()]
        threads += [threading.Thread(target=enemy.hoard)]
        threads += [threading.Thread(target=attack, args=(enemy, problems, False)) for _ in range(4)]
        try:
            for thread in threads[1:]:
                thread.start()
            if not enemy.hoards.wait(PATIENCE):
                raise Failure("hangs", "no bundles can be begun")
            # The crowd is last: for its connections the collector ends others that are idle.
            threads[0].start()
            end = time.monotonic() + PATIENCE
            while crowd.opened < fleet.connections and time.monotonic() < end:
                time.sleep(0.02)
            agent.finish()
        finally:
            enemy.stop.set()
            for thread in threads:
                if thread.ident:
                    thread.join()
    fleet.crowd = max(fleet.crowd, crowd.most)
    if problems:
        raise Failure("lets in", "; ".join(sorted(set(problems))))
    # Whoever was wronged is let in as ever.
    fleet.is_alive()
