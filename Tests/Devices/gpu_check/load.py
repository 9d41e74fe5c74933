"""Matrix products on a device in pulses, in a process of its own: load.py DEVICE.

A line of JSON on standard input, one on standard output: {"id": 1, "seconds": 4, "period_s": 0.1, "duty": 0.25} answers with when the
load was really on and how many products were made. A pulse is a row of short pieces of work, each waited for, so that its end is known
to about a millisecond. On the CPU of a machine without PyTorch they are products in Python.
"""

import importlib.util
import json
import operator
import os
import sys
import time

# One piece of work takes about so long; the load's edges are as fine as this.
PIECE_S = 0.001


class Plain:
    """Products of small matrices in Python, for the CPU of a machine without PyTorch."""

    def __init__(self):
        self.rows = [[float(i * j % 7) for j in range(16)] for i in range(16)]
        self.facts = {"torch": None, "device": "cpu", "size": 16}

    def work(self, products):
        for _ in range(products):
            columns = list(zip(*self.rows))
            [[sum(map(operator.mul, row, column)) for column in columns] for row in self.rows]


class Torch:
    def __init__(self, name):
        import torch

        self.torch = torch
        self.device = torch.device(name)
        self.is_cuda = self.device.type == "cuda"
        kind = torch.float32
        if self.is_cuda:
            kind = torch.bfloat16 if torch.cuda.get_device_capability(self.device)[0] >= 8 else torch.float16
        self.facts = {"torch": torch.__version__, "device": name, "type": str(kind)}
        if self.is_cuda:
            properties = torch.cuda.get_device_properties(self.device)
            self.facts |= {"name": properties.name, "cuda": torch.version.cuda}
            # Newer versions tell where it is, by which NVML finds the same one.
            place = [getattr(properties, name, None) for name in ("pci_domain_id", "pci_bus_id", "pci_device_id")]
            if None not in place:
                self.facts["pci_address"] = "{:08x}:{:02x}:{:02x}.0".format(*place)
        # The largest whose product is no longer than a piece of work.
        for size in (8192, 4096, 2048, 1024, 512) if self.is_cuda else (256, 128):
            self.a = torch.randn(size, size, device=self.device, dtype=kind)
            self.b = torch.randn(size, size, device=self.device, dtype=kind)
            self.out = torch.empty(size, size, device=self.device, dtype=kind)
            self.facts["size"] = size
            self.work(3)
            begin = time.monotonic()
            self.work(1)
            if time.monotonic() - begin <= PIECE_S:
                break

    def work(self, products):
        for _ in range(products):
            self.torch.mm(self.a, self.b, out=self.out)
        if self.is_cuda:
            self.torch.cuda.synchronize(self.device)


class Load:
    """A worker's pieces of work, in pulses. A worker has `facts` and `work(products)`, which returns when they are done."""

    def __init__(self, worker, clock=time.monotonic, sleep=time.sleep):
        self.worker, self.clock, self.sleep = worker, clock, sleep
        self.products = 1
        while self.products < 1 << 16:
            begin = self.clock()
            self.worker.work(self.products)
            taken = self.clock() - begin
            if taken >= PIECE_S:
                break
            self.products *= 2
        self.facts = {**self.worker.facts, "products_a_piece": self.products, "piece_s": taken}

    def run(self, seconds, period_s, duty):
        """Pulses of duty × period, one a period; one long pulse where the duty is 1."""
        begin = self.clock() + 0.005
        end = begin + seconds
        pulses, products, number = [], 0, 0
        while begin + number * period_s < end:
            on = begin + number * period_s
            off = min(end, on + duty * period_s)
            number += 1
            wait = on - self.clock()
            if wait > 0:
                self.sleep(wait)
            started = self.clock()
            # One that could not begin before its end is left out.
            if started >= off:
                continue
            while self.clock() < off:
                self.worker.work(self.products)
                products += self.products
            stopped = self.clock()
            if pulses and started - pulses[-1][1] < 1e-4:
                pulses[-1][1] = stopped
            else:
                pulses.append([started, stopped])
        return {"pulses": pulses, "products": products}


def serve(make):
    """Answers until the input ends. What a library prints is no answer."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(number, result):
        print(json.dumps({"id": number, "result": result}), file=answers, flush=True)

    load = Load(make())
    answer(0, load.facts)
    for text in sys.stdin:
        message = json.loads(text)
        answer(message["id"], load.run(message["seconds"], message["period_s"], message["duty"]))


if __name__ == "__main__":
    try:
        without = sys.argv[1] == "cpu" and importlib.util.find_spec("torch") is None
        serve(Plain if without else lambda: Torch(sys.argv[1]))
    except ImportError as problem:
        sys.exit(f"PyTorch cannot be loaded: {problem}")
