"""Texts and images made from a seed, for runs without any data set. They mean nothing; their sizes are of the usual."""

import random

WORDS = """
the a of to and in is that it was for on with as his they be at one have this from or had by hot but some what there
we can out other were all your when up use word how said an each she which do their time if will way about many then
them would write like so these her long make thing see him two has look more day could go come did my sound no most
number who over know water than call first people may down side been now find any new work part take get place made
live where after back little only round man year came show every good me give our under name very through just form
much great think say help low line before turn cause same mean differ move right boy old too does tell sentence set
three want air well also play small end put home read hand port large spell add even land here must big high such
follow act why ask men change went light kind off need house picture try us again animal point mother world near
build self earth father
""".split()

# Words of a text, about those of the paper's data sets: IMDB, SQuAD, CoNLL2003, CNN-DM, DiffusionDB.
LENGTHS = {
    "text-classification": 200, "fill-mask": 40, "token-classification": 30, "text-generation": 40,
    "summarization": 500, "text-to-image": 30, "feature-extraction": 100,
}
IMAGES = 32  # Different ones; pixels need memory.


def rows(task, seed, samples):
    """Rows as a data set of the task would have: `question` and `context`, `image`, or `text`."""
    source = random.Random(f"{task} {seed}")
    if task == "question-answering":
        return [{"question": _text(source, 10).rstrip(".") + "?", "context": _text(source, 120)}
                for _ in range(samples)]
    if task in ("image-classification", "object-detection", "image-to-text"):
        return [{"image": _image(seed, index)} for index in range(min(samples, IMAGES))]
    return [{"text": _text(source, LENGTHS.get(task, 100))} for _ in range(samples)]


def _text(source, words):
    """Sentences of 5 to 15 words."""
    text = []
    while len(text) < words:
        sentence = source.choices(WORDS, k=min(source.randint(5, 15), words - len(text)))
        text += [sentence[0].capitalize(), *sentence[1:-1], sentence[-1] + "."] if len(sentence) > 1 else sentence
    return " ".join(text)


def _image(seed, index):
    """640 × 480: coarse coloured patches under some noise, so neither flat nor pure noise."""
    import numpy
    from PIL import Image

    source = numpy.random.default_rng([abs(seed), index])
    patches = Image.fromarray(source.integers(0, 256, (6, 8, 3), dtype=numpy.uint8)).resize((640, 480), Image.BICUBIC)
    noise = source.integers(-16, 17, (480, 640, 3))
    return Image.fromarray(numpy.clip(numpy.asarray(patches) + noise, 0, 255).astype(numpy.uint8))
