"""The network between a machine and the collector, which can be cut: a proxy, or a network of the machine's own."""
import socket
import subprocess
import threading

# A machine's request: TLS's handshake has less than so many bytes, and with a bundle there are more.
REQUEST = 2000


class Proxy:
    """Hands on what comes, or not: what is on its way comes later, or never."""

    def __init__(self, target):
        self.target, self.lock = target, threading.Condition()
        self.isCut, self.holdsAnswers, self.isEnded, self.pairs = False, False, False, set()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self.lock:
            self.isEnded = True
            self.lock.notify_all()
        self.socket.close()
        self.reset()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        # Like a network that is gone, and not like a server that refuses.
        with self.lock:
            self.lock.wait_for(lambda: self.isEnded or not self.isCut)
        try:
            server = socket.create_connection(("127.0.0.1", self.target), 10)
            server.settimeout(None)
        except OSError:
            client.close()
            return
        pair = Pair(self, client, server)
        with self.lock:
            self.pairs.add(pair)
        threading.Thread(target=pair.pump, args=(client, server, True), daemon=True).start()
        pair.pump(server, client, False)

    def set(self, **values):
        with self.lock:
            self.__dict__.update(values)
            self.lock.notify_all()

    def cut(self):
        self.set(isCut=True)

    def mend(self):
        """What was on its way comes after all."""
        self.set(isCut=False, holdsAnswers=False)

    def reset(self):
        """What was on its way is lost."""
        with self.lock:
            pairs, self.pairs = self.pairs, set()
        for pair in pairs:
            pair.end()


class Pair:
    """The two connections of one client."""

    def __init__(self, proxy, client, server):
        self.proxy, self.sockets, self.asked, self.isEnded = proxy, (client, server), 0, False

    def passes(self, isQuestion):
        proxy = self.proxy
        if self.isEnded or proxy.isEnded:
            return True
        return not proxy.isCut and (isQuestion or not proxy.holdsAnswers or self.asked < REQUEST)

    def pump(self, source, sink, isQuestion):
        try:
            while data := source.recv(1 << 14):
                with self.proxy.lock:
                    self.proxy.lock.wait_for(lambda: self.passes(isQuestion))
                    self.asked += len(data) if isQuestion else 0
                if self.isEnded:
                    return
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.end()

    def end(self):
        self.isEnded = True
        with self.proxy.lock:
            self.proxy.lock.notify_all()
        for one in self.sockets:
            # Whoever waits for it is woken.
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()


def ip(*words):
    done = subprocess.run(["ip", *map(str, words)], text=True, capture_output=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(map(str, words))}: {done.stderr.strip()}")


class Cable:
    """A network of the machine's own, by a cable that can be pulled: nobody is told of anything, and packets are gone.

    Only within a network that is this script's own.
    """

    ADDRESS = "10.97.0.1"
    lock = threading.Lock()
    made = 0
    isThere = False

    @classmethod
    def prepare(cls):
        ip("link", "set", "lo", "up")
        try:
            ip("link", "add", "machines", "type", "bridge")
            ip("addr", "add", f"{cls.ADDRESS}/16", "dev", "machines")
            ip("link", "set", "machines", "up")
            cls.isThere = True
        except OSError as error:
            print(f"no cable can be laid, and the network is cut by a proxy alone: {error}", flush=True)

    def __enter__(self):
        with self.lock:
            Cable.made += 1
            number = Cable.made
        self.link = f"cable{number}"
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; read wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdout.readline()
        self.inside = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.holder.pid)
        ip("link", "set", self.link, "master", "machines", "up")
        address = f"10.97.{1 + number // 250 % 250}.{1 + number % 250}/16"
        for words in (["addr", "add", address, "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            subprocess.run([*self.inside, "ip", *words], check=True)
        return self

    def __exit__(self, *_):
        self.holder.communicate(b"\n")
        # Its end in the network that is gone is gone, and so is this one.

    def cut(self):
        ip("link", "set", self.link, "down")

    def mend(self):
        ip("link", "set", self.link, "up")
