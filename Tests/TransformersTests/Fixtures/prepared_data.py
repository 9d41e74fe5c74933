"""Prints as JSON what the plugin makes of a few rows before a run, for the files of a folder of its own."""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../Plugins/transformers"))
from PIL import Image  # noqa: E402
from taskwatt_transformers import data, settings  # noqa: E402


def queries(task, path, mask=None, **parameters):
    params = {"task": task, "device": "cpu", "seed": 3, "cache_directory": folder, "parameters":
              {**({"dataset": path} if path else {}), **parameters}}
    return data.queries(settings.settings(params, lambda message: None), mask)[0]


def shape(image):
    return f"{image.width}x{image.height} {image.mode}"


with tempfile.TemporaryDirectory() as folder:
    picture = os.path.join(folder, "grey.png")
    Image.new("L", (10, 30)).save(picture)
    rows = os.path.join(folder, "rows.jsonl")
    with open(rows, "w", encoding="utf-8") as file:
        print(json.dumps({"text": " ".join(f"w{index}" for index in range(100)), "tokens": ["a", "b"]}), file=file)
    print(json.dumps({
        "usual image": shape(queries("image-to-text", picture)[0]),
        "wide image": shape(queries("image-to-text", picture, image_size="64x32")[0]),
        "original image": shape(queries("image-to-text", picture, image_size="original")[0]),
        "synthetic image": shape(queries("object-detection", None, image_size="original", samples=1)[0]),
        "masked": queries("fill-mask", rows, "[M]", words=3)[0],
        "masked words": str(len(queries("fill-mask", rows, "[M]")[0].split())),
        "prompt words": str(len(queries("text-generation", rows)[0].split())),
        "picture words": str(len(queries("text-to-image", rows)[0].split())),
        "summary words": str(len(queries("summarization", rows)[0].split())),
        "tokens": queries("token-classification", rows, column="tokens")[0],
        "same seed": str(queries("summarization", None, samples=5) == queries("summarization", None, samples=5)),
        "distinct": str(len(set(queries("summarization", None, samples=50)))),
    }))
