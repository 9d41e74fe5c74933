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


def filler(value, dimensions):
    """What an input is filled with that does not change the work: zeros of its shape, and positions counted."""
    shape = [dimensions.get(size, size) for size in value.shape]
    if value.name == "position_ids":
        return numpy.broadcast_to(numpy.arange(shape[-1], dtype=numpy.int64), shape).copy()
    return numpy.zeros(shape, TYPES[value.type])


class Images:
    """A new image each time, for the price of a shift, as the plugin makes them."""

    def __init__(self, shape):
        self.pixels = random.standard_normal([1 if size == "batch" else size for size in shape], dtype=numpy.float32)

    def next(self):
        self.pixels = numpy.roll(self.pixels, int(random.integers(self.pixels.size)))
        return self.pixels


class Encoder:
    """One graph, run once: every input by its name, and new words or pixels each time."""

    def __init__(self, sessions, length, vocabulary, **_):
        self.session = sessions[0]
        self.vocabulary = vocabulary
        self.outputs = [value.name for value in self.session.get_outputs() if value.name != "pooled"]
        self.fixed, self.images = {}, None
        for value in self.session.get_inputs():
            if value.name == "pixel_values":
                self.images = Images(value.shape)
            elif value.name == "input_ids":
                self.shape = [1, length]
            else:
                self.fixed[value.name] = filler(value, {"batch": 1, "sequence": length, "source": length})

    def infer(self):
        if self.images is not None:
            return self.session.run(self.outputs, {"pixel_values": self.images.next(), **self.fixed})
        return self.session.run(self.outputs, {"input_ids": random.integers(0, self.vocabulary, self.shape), **self.fixed})


class Generation:
    """Greedy search with a cache of keys and values, after an encoder where there is one."""

    def __init__(self, sessions, length, vocabulary, prompt, new, **_):
        self.vocabulary = vocabulary
        self.encoder = Encoder(sessions, length, vocabulary) if len(sessions) > 1 else None
        self.decoder = sessions[-1]
        self.prompt = 1 if self.encoder else prompt
        self.new = new
        inputs = self.decoder.get_inputs()
        self.caches = [value for value in inputs if value.name.startswith("past_")]
        self.others = [
            value for value in inputs if value.name != "input_ids" and not value.name.startswith(("past_", "cross_"))]
        self.outputs = ["logits"] + [value.name.replace("past_", "present_") for value in self.caches]

    def infer(self):
        tokens, past, cross, source = random.integers(0, self.vocabulary, (1, self.prompt)), 0, {}, 0
        if self.encoder:
            cross = dict(zip(self.encoder.outputs, self.encoder.infer()))
            source = cross["cross_value_0"].shape[2]
        caches = {
            value.name: numpy.zeros((1, value.shape[1], 0, value.shape[3]), TYPES[value.type]) for value in self.caches}
        for _ in range(self.new):
            new = tokens.shape[1]
            dimensions = {"batch": 1, "sequence": new, "past": past, "total": past + new, "source": source}
            feeds = {value.name: filler(value, dimensions) for value in self.others}
            logits, *presents = self.decoder.run(self.outputs, {"input_ids": tokens, **feeds, **cross, **caches})
            caches = dict(zip(caches, presents))
            past += new
            tokens = logits.argmax(-1)[:, None]


class Diffusion:
    """Text encoder, then the UNet with and without the text in one batch a step, then the decoder."""

    def __init__(self, sessions, steps, vocabulary, **_):
        self.vocabulary = vocabulary
        self.text, self.unet, self.decoder = sessions
        self.steps = steps
        self.length = self.text.get_inputs()[0].shape[1]
        self.sample = next(value.shape for value in self.unet.get_inputs() if value.name == "sample")
        self.times = next(value.shape for value in self.unet.get_inputs() if value.name == "timestep_features")

    def infer(self):
        mask = numpy.triu(numpy.full((self.length, self.length), -10_000, numpy.float32), 1)[None, None]
        context, = self.text.run(
            ["last_hidden_state"],
            {"input_ids": random.integers(0, self.vocabulary, (2, self.length)), "attention_bias": mask})
        sample = random.standard_normal([1, *self.sample[1:]], dtype=numpy.float32)
        # The scheduler of Stable Diffusion 1 makes one pass more than it has steps, but for one step alone.
        for _ in range(self.steps + (self.steps > 1)):
            noise, = self.unet.run(
                ["noise"],
                {"sample": numpy.concatenate([sample, sample]), "encoder_hidden_states": context,
                 "timestep_features": numpy.ones((2, self.times[1]), numpy.float32)})
            sample = sample - 0.02 * (noise[:1] + 7.5 * (noise[1:] - noise[:1]))
        self.decoder.run(["image"], {"latent_sample": sample / 0.18215})


KINDS = {
    "text-generation": Generation, "summarization": Generation, "image-to-text": Generation,
    "text-to-image": Diffusion,
}


def main():
    setup = json.loads(sys.stdin.readline())
    sessions = [session(file, setup["threads"]) for file in setup["files"]]
    workload = KINDS.get(setup["task"], Encoder)(sessions, **setup["amounts"])
    print(json.dumps({"result": {}}), flush=True)
    for line in sys.stdin:
        amount = json.loads(line)
        done, start = 0, time.monotonic()
        while done < amount["count"] if "count" in amount else time.monotonic() - start < amount["duration_s"]:
            workload.infer()
            done += 1
        print(json.dumps({"result": {"rate": done / (time.monotonic() - start)}}), flush=True)


main()
