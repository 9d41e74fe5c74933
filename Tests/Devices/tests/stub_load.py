"""A load that only waits, and tells the fake of NVML when it was on, as load.py does to PyTorch: stub_load.py DEVICE."""

import os
import pathlib
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from gpu_check.load import serve  # noqa: E402


class Stub:
    """Each piece's begin and end go to the file of pulses beside the fake, as two numbers of CLOCK_MONOTONIC."""

    facts = {"torch": None, "device": "stub"}

    def __init__(self):
        self.pulses = open(os.environ["TASKWATT_NVML"] + ".pulses", "ab", buffering=0)

    def work(self, products):
        begin = time.monotonic()
        # On until it is known when it ends.
        self.pulses.write(struct.pack("d", begin))
        time.sleep(0.001 * products)
        self.pulses.write(struct.pack("d", time.monotonic()))


if __name__ == "__main__":
    serve(Stub)
