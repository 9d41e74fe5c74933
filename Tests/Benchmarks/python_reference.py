"""The same models by Python's onnxruntime, as its users would write it: numpy arrays in, numpy arrays out.

Reads lines of JSON: first the task and its files, then how much to do. Used by engine-throughput.
"""

import json
import sys
import time

import numpy
import onnxruntime

TYPES = {"tensor(float)": numpy.float32, "tensor(float16)": numpy.float16, "tensor(int64)": numpy.int64}
random = numpy.random.default_rng(1)


def session(file, threads):
    options = onnxruntime.SessionOptions()
    if threads:
        options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


class SingleGraph:
    """Every input by its name; new words or pixels each time."""

    def __init__(self, sessions, setup):
        self.session = sessions[0]
        self.length = setup["parameters"].get("sequence_length")
        self.vocabulary = 1000
        self.fixed = {}
        for value in self.session.get_inputs():
            shape = [{"batch": 1, "sequence": self.length}.get(size, size) for size in value.shape]
            if value.name == "position_ids":
                self.fixed[value.name] = numpy.arange(self.length, dtype=numpy.int64)[None]
            elif value.name in ("input_ids", "pixel_values"):
                self.varying, self.shape = value.name, shape
            else:
                self.fixed[value.name] = numpy.zeros(shape, TYPES[value.type])
        if self.varying == "pixel_values":
            self.pixels = random.standard_normal(self.shape, dtype=numpy.float32)

    def infer(self):
        if self.varying == "input_ids":
            new = random.integers(0, self.vocabulary, self.shape)
        else:
            # As the plugin does: a new image for the price of a shift.
            self.pixels = numpy.roll(self.pixels, int(random.integers(self.pixels.size)))
            new = self.pixels
        return self.session.run(None, {self.varying: new, **self.fixed})


class CausalGeneration:
    """Greedy search over GPT-2 with a cache of keys and values."""

    def __init__(self, sessions, setup):
        self.session = sessions[0]
        self.prompt, self.new = setup["parameters"]["prompt_length"], setup["parameters"]["new_tokens"]
        self.caches = [value for value in self.session.get_inputs() if value.name.startswith("past_")]
        self.outputs = ["logits"] + [value.name.replace("past_", "present_") for value in self.caches]

    def infer(self):
        tokens, past = random.integers(0, 1000, (1, self.prompt)), 0
        caches = {value.name: numpy.zeros((1, value.shape[1], 0, value.shape[3]), numpy.float32) for value in self.caches}
        for _ in range(self.new):
            new = tokens.shape[1]
            mask = numpy.triu(numpy.full((new, past + new), -10_000, numpy.float32), past + 1)[None, None]
            logits, *presents = self.session.run(
                self.outputs,
                {"input_ids": tokens, "position_ids": numpy.arange(past, past + new)[None], "attention_bias": mask, **caches})
            caches = dict(zip(caches, presents))
            past += new
            tokens = logits.argmax(-1)[:, None]


KINDS = {"text-generation": CausalGeneration}


def main():
    setup = json.loads(sys.stdin.readline())
    sessions = [session(file, setup["threads"]) for file in setup["files"]]
    workload = KINDS.get(setup["task"], SingleGraph)(sessions, setup)
    print(json.dumps({"result": {}}), flush=True)
    for line in sys.stdin:
        amount = json.loads(line)
        done, start = 0, time.monotonic()
        while done < amount["count"] if "count" in amount else time.monotonic() - start < amount["duration_s"]:
            workload.infer()
            done += 1
        print(json.dumps({"result": {"rate": done / (time.monotonic() - start)}}), flush=True)


main()
