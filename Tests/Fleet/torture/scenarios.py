"""What happens to machines, their collector and its record."""
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from .hostile import BUSY, Client, hostile
from .network import Cable, Proxy
from .records import PATIENCE, Failure


def killed_collector(fleet, choice, number):
    """the collector is killed while it takes bundles"""
    agent = fleet.agent(fleet.suites(choice, 4))
    for _ in range(3):
        sender = agent.send()
        fleet.met(choice, sender)
        fleet.kill()
        sender.wait(PATIENCE)
        fleet.start()
    agent.finish()


def killed_agent(fleet, choice, number):
    """the sender is killed at any moment"""
    agent = fleet.agent(fleet.suites(choice, 4))
    for _ in range(3):
        sender = agent.send()
        fleet.met(choice, sender)
        sender.kill()
        sender.wait()
    agent.finish()


def lost_answer(fleet, choice, number):
    """the collector has the bundle, and its answer never comes: the connection ends, or the sender is killed while it waits"""
    for isKilled in (False, True):
        with Proxy(fleet.port) as proxy:
            agent = fleet.agent(fleet.suites(choice, 1), proxy.port)
            proxy.set(holdsAnswers=True)
            sender, end = agent.send(), time.monotonic() + PATIENCE
            while not fleet.has(agent.suites[0]):
                if time.monotonic() > end:
                    raise Failure("hangs", "nothing comes to the collector")
                if sender.poll() is not None:
                    # On a busy machine it waited in vain for a connection.
                    sender = agent.send()
                time.sleep(0.02)
            if not agent.waiting():
                raise Failure("lies", "nobody has told the machine that its suite was taken, and it holds it for sent")
            if isKilled:
                sender.kill()
            # Whoever asks again wants an answer.
            proxy.set(holdsAnswers=False)
            proxy.reset()
            sender.wait(PATIENCE)
            fleet.kills += 1
            fleet.caught += bool(agent.waiting())
            agent.finish()


def cut_network(fleet, choice, number):
    """the network is cut for longer than the first back-off, also in the middle of a body; the machine's daemon comes back by itself"""
    kinds = ["late", "lost"] + ["cable"] * Cable.isThere
    kind = kinds[number % len(kinds)]
    with contextlib.ExitStack() as stack:
        if kind == "cable":
            network = stack.enter_context(Cable())
            agent = fleet.agent(fleet.suites(choice, 3), host=Cable.ADDRESS, inside=network.inside)
        else:
            network = stack.enter_context(Proxy(fleet.port))
            agent = fleet.agent(fleet.suites(choice, 3), network.port)
        log = stack.enter_context(open(fleet.directory / "agents.log", "ab"))
        daemon = agent.begin("serve", log=log)
        try:
            end = time.monotonic() + PATIENCE
            while not (agent.state / "taskwatt.sock").exists():
                if daemon.poll() is not None or time.monotonic() > end:
                    raise Failure("died", f"the machine's daemon does not start; see {log.name}")
                time.sleep(0.05)
            if choice.random() < 0.3:
                network.cut()
            sender = agent.send()
            fleet.met(choice, sender)
            network.cut()
            # Longer than the first back-off.
            time.sleep(choice.uniform(6, 9))
            if kind == "lost":
                network.reset()
            network.mend()
            if sender.wait(PATIENCE) == 0 and agent.waiting():
                raise Failure("lies", f"`taskwatt send` ends well, and {agent.waiting()} waits")
            end = time.monotonic() + PATIENCE
            while agent.waiting():
                agent.refused()
                if daemon.poll() is not None or time.monotonic() > end:
                    raise Failure("hangs", f"not sent: {agent.waiting()}; see {log.name}")
                time.sleep(0.2)
        finally:
            daemon.terminate()
            daemon.wait(PATIENCE)


def twins(fleet, choice, number):
    """the same suites come from two senders at once, and the same bundle from eight, who send the last byte together"""
    suites = fleet.suites(choice, 3)
    agents = [fleet.agent(suites), fleet.agent(suites)]
    senders = [agent.send() for agent in agents]
    machine = Client(fleet, f"twin{number}", f"twin-host{number}")
    bundle = fleet.suites(choice, 1, machine.host)
    fleet.expect(bundle)
    body = next(iter(bundle.values()))[0].read_bytes()
    ready = threading.Barrier(8, timeout=PATIENCE)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: machine.send(body, before_the_last=ready.wait), range(8)))
    # Whoever comes while it is just being taken comes again.
    if set(statuses) - BUSY - {200, 201} or statuses.count(201) > 1 or not {201, None} & set(statuses):
        raise Failure("twice", f"eight senders of one bundle are answered {statuses}")
    fleet.kills += 1
    fleet.caught += 503 in statuses
    end = time.monotonic() + PATIENCE
    while (status := machine.send(body)) in BUSY and time.monotonic() < end:
        time.sleep(0.2)
    if status != 200:
        raise Failure("twice", f"who sends it again is answered {status}")
    for sender in senders:
        sender.wait(PATIENCE)
    for agent in agents:
        agent.finish()


def killed_server(fleet, choice, number):
    """PostgreSQL is killed while bundles are taken, and once stays away for longer than the collector waits for it"""
    server = fleet.record.server
    agent = fleet.agent(fleet.suites(choice, 4))
    for turn in range(3):
        sender = agent.send()
        fleet.met(choice, sender)
        server.kill()
        # The collector tries for 30 seconds.
        time.sleep(35 if number == turn == 0 else choice.uniform(0, 0.5))
        server.start()
        sender.wait(PATIENCE)
    agent.finish()


# By name: what is done, on which records, and how many of its repeats wait side by side.
SCENARIOS = {
    "network": (cut_network, ("sqlite", "postgres"), 10),
    "postgres": (killed_server, ("postgres",), 1),
    "hostile": (hostile, ("sqlite", "postgres"), 1),
    "collector": (killed_collector, ("sqlite", "postgres"), 1),
    "agent": (killed_agent, ("sqlite", "postgres"), 1),
    "answer": (lost_answer, ("sqlite", "postgres"), 1),
    "twins": (twins, ("sqlite", "postgres"), 1),
}
