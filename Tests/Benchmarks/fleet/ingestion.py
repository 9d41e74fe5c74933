"""How many bundles a second a collector takes: verified, and in the record and on the disk before the sender is told."""
import multiprocessing
import os
import pathlib
import sqlite3
import statistics
import time
import uuid

from torture import bundles
from torture.fleet import Fleet
from torture.hostile import Client
from torture.records import Failure

# Of each bundle: an idle window, and those of workloads, with 9,801 lines of samples together.
WINDOWS, SECONDS, HERTZ = 100, 95, 1
WORKLOADS = [(task, model) for task in ("text-classification", "fill-mask", "image-classification", "text-generation")
             for model in ("small", "large")]
# A second; more is not asked of one machine, which may come with so many at once.
RATE, BURST = 15, 75


def described(number):
    """Twelve repeats of each workload, one after the other."""
    if number == 0:
        return {}
    task, model = WORKLOADS[(number - 1) // 12 % len(WORKLOADS)]
    return {"stage": "query", "repeat": 1 + (number - 1) % 12, "completed_inferences": 100 + number % 7, "workload": {
        "task": task, "plugin": "made", "plugin_version": "1", "model": model, "dataset": "made", "device": "cpu", "precision": "fp32",
        "batch": 1, "parameters": {}, "parameter_count": 1_000_000, "operations_per_inference": 2_000_000, "seed": 1}}


def made(host, number):
    name = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{number}.{host}"))
    return bundles.bundle(name, host, 50 + number % 50, WINDOWS, SECONDS, HERTZ, "fleet-scale", described)


def send(client, bodies, gate, answers):
    """One after the other, each on a connection of its own, as agents do."""
    gate.wait()
    for body in bodies:
        begin = time.monotonic()
        status = client.send(body)
        answers.put((status, begin, time.monotonic()))


class Ingestion:
    def __init__(self, sizes, taken, collector, server):
        self.count, self.size = len(sizes), max(sizes)
        self.seconds = max(end for _, _, end in taken) - min(begin for _, begin, _ in taken)
        self.waits = sorted(end - begin for _, begin, end in taken)
        # CPU seconds of each bundle, which what else a machine does makes little longer.
        self.collector, self.server = collector / self.count, server / self.count

    def __str__(self):
        return (f"{self.count} bundles of {WINDOWS} windows and at most {self.size} bytes in {self.seconds:.1f} s: "
                f"{self.count / self.seconds:.1f} a second; each answered after {statistics.median(self.waits) * 1000:.0f} ms (median), "
                f"CPU {self.collector * 1000:.0f} ms of the collector and {self.server * 1000:.0f} ms of the server")


def processor(number):
    """CPU seconds of a process and of all that it started, the living and the dead."""
    ticks = 0
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if path.parent.name == str(number):
            ticks += sum(int(field) for field in fields[11:15])
        elif fields[1] == str(number):
            ticks += sum(int(field) for field in fields[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def enrol_all(fleet, record):
    """All machines of the record are known to the collector."""
    names = record.ask("SELECT name FROM machine").split()
    with sqlite3.connect(fleet.state / "collector.sqlite") as ledger:
        ledger.executemany(
            "INSERT INTO machine (name, enrolled_at) SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 FROM machine_name WHERE name = ?1)",
            ((name,) for name in names))
        ledger.execute("INSERT OR IGNORE INTO machine_name SELECT name, id FROM machine")
    ledger.close()


def collect(record, arguments):
    """Starts a collector, and sends it bundles of machines that it does not know. Returns what became of them."""
    directory = record.directory / "collector"
    directory.mkdir()
    fleet = Fleet(str(arguments.taskwatt), str(directory), lambda _: record.database)
    try:
        clients = [Client(fleet, f"sender{number}", f"sender-{number}") for number in range(arguments.senders)]
        each = min(BURST, -(-arguments.bundles // len(clients)))
        bodies = [[made(client.host, number) for number in range(each)] for client in clients]
        sizes = [len(body) for all_of in bodies for body in all_of]
        context = multiprocessing.get_context("fork")
        gate, answers = context.Event(), context.Queue()
        senders = [context.Process(target=send, args=(client, all_of, gate, answers)) for client, all_of in zip(clients, bodies)]
        for sender in senders:
            sender.start()
        before = processor(fleet.process.pid), processor(record.server.process.pid)
        gate.set()
        taken = [answers.get() for _ in sizes]
        after = processor(fleet.process.pid), processor(record.server.process.pid)
        for sender in senders:
            sender.join()
        if refused := [status for status, _, _ in taken if status != 201]:
            raise Failure("refused", f"{len(refused)} bundles are answered {refused[0]}")
        there = int(record.ask("SELECT count(*) FROM suite_run WHERE suite = 'fleet-scale'"))
        windows = int(record.ask("SELECT count(*) FROM run WHERE kwh_per_1000 IS NOT NULL AND suite_run_id IN "
                                 "(SELECT id FROM suite_run WHERE suite = 'fleet-scale')"))
        if (there, windows) != (len(sizes), len(sizes) * (WINDOWS - 1)):
            raise Failure("lost", f"{there} suites with {windows} figures are in the record, and {len(sizes)} bundles were taken")
        enrol_all(fleet, record)
        return fleet.state, Ingestion(sizes, taken, *(end - begin for begin, end in zip(before, after)))
    finally:
        fleet.end()
