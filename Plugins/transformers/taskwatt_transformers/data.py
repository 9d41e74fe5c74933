"""The queries: rows of a data set, made ready before anything is measured."""

import hashlib
import json
import os
import shutil
import sys
import time

from . import synthetic
from .models import HUB_ID, hub_cache, hub_problem, is_path
from .problem import INVALID_PARAMS, Problem, cause

IMAGE_TASKS = ("image-classification", "object-detection", "image-to-text")
SPLITS = ("test", "validation", "val", "train")
IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
READERS = {".jsonl": "json", ".json": "json", ".csv": "csv", ".tsv": "csv", ".txt": "text", ".parquet": "parquet"}

# The usual names of the column that a task reads, in the paper's data sets and others.
TEXT_COLUMNS = ("text", "sentence", "content", "article", "document", "dialogue", "passage", "tokens", "words",
                "prompt")
PROMPT_COLUMNS = ("prompt", "Prompt", "text", "caption")
IMAGE_COLUMNS = ("image", "img", "picture")
QUESTION_COLUMNS = ("question",)
CONTEXT_COLUMNS = ("context", "passage", "support")


def queries(settings, mask=None):
    """What the model is asked, in order, and the data set's name for the record.

    Texts for the tasks of text, {"question", "context"} for question-answering, PIL images for the tasks of images.
    - mask: the tokenizer's mask, which takes the place of a text's last word in fill-mask, as in the paper.
    """
    rows, name = _rows(settings)
    if settings.task in IMAGE_TASKS:
        column = _column(rows[0], settings.column, IMAGE_COLUMNS, name)
        return [_image(row[column], settings, name) for row in rows], name
    if settings.task == "question-answering":
        question = _column(rows[0], settings.column, QUESTION_COLUMNS, name)
        context = _column(rows[0], settings.context_column, CONTEXT_COLUMNS, name)
        pairs = [{"question": _text(row[question], 0), "context": _text(row[context], settings.words)} for row in rows]
        return _not_empty([pair for pair in pairs if pair["question"] and pair["context"]], name), name
    usual = PROMPT_COLUMNS if settings.task == "text-to-image" else TEXT_COLUMNS
    column = _column(rows[0], settings.column, usual, name)
    texts = _not_empty([text for row in rows if (text := _text(row[column], settings.words))], name)
    if mask is not None:
        texts = [" ".join([*text.split()[:-1], mask]) for text in texts]
    return texts, name


def _not_empty(found, name):
    if not found:
        raise Problem(f"the data set {name} has only empty texts", "give another one, or another column")
    return found


def _text(value, words):
    """A text, or a list of words as one, cut to so many words; WikiText's empty lines come out empty."""
    text = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else "" if value is None else str(value)
    return " ".join(text.split()[:words]) if words else text.strip()


def _image(value, settings, name):
    from PIL import Image

    try:
        image = value if isinstance(value, Image.Image) else Image.open(value)
        # As the paper: nearest neighbour, and RGB whatever it was.
        return image.resize(settings.image_size, Image.NEAREST).convert("RGB") if settings.image_size \
            else image.convert("RGB")
    except (OSError, AttributeError, TypeError, ValueError) as error:
        raise Problem(f"an image of the data set {name} cannot be read: {cause(error)}",
                      "give another data set, or another column") from error


def _column(row, asked, usual, name):
    for column in [asked] if asked else usual:
        if column in row:
            return column
    have = ", ".join(map(str, row))
    what = f"no column `{asked}`" if asked else f"none of the columns {', '.join(usual)}"
    raise Problem(f"the data set {name} has {what}; it has {have}", "name the right one with --set column=NAME")


def _rows(settings):
    name = settings.dataset
    if name == "synthetic":
        return synthetic.rows(settings.task, settings.seed, settings.samples), name
    if is_path(name):
        path = os.path.realpath(os.path.expanduser(name))
        if not os.path.exists(path):
            raise Problem(f"the data set {name} is not there",
                          "give a file or folder that exists, an id of the hub, or leave dataset out")
        rows, name = _local(path, settings), os.path.basename(path)
    elif name.startswith(".") or not HUB_ID.fullmatch(name):
        raise Problem(f"`{name}` is neither an id of the hub nor an absolute path nor `synthetic`",
                      "give an id such as imdb, or a path that begins with /", code=INVALID_PARAMS)
    else:
        rows = _hub(name, settings)
    if not rows:
        raise Problem(f"the data set {name} is empty", "give another one")
    return rows, name


# ---- Files and folders.


def _local(path, settings):
    try:
        if os.path.isfile(path):
            return _file(path, settings)
        images = sorted(os.path.join(folder, file) for folder, _, files in os.walk(path) for file in files
                        if file.lower().endswith(IMAGES))
        if images and settings.task in IMAGE_TASKS:
            return [{"image": image} for image in images[: settings.samples]]
        import datasets

        if any(os.path.exists(os.path.join(path, file)) for file in ("dataset_info.json", "dataset_dict.json")):
            return _taken(_split(datasets.load_from_disk(path), path, settings), settings)
        files = sorted(file for file in os.listdir(path) if os.path.splitext(file)[1].lower() in READERS)
        if not files:
            raise Problem(f"the folder {path} has neither images nor .jsonl, .csv, .txt or .parquet files",
                          "give a folder or file with data")
        return [row for file in files for row in _file(os.path.join(path, file), settings)][: settings.samples]
    except Problem:
        raise
    except StopIteration:
        return []  # How the reader tells of an empty file.
    except Exception as error:
        raise Problem(f"the data set {path} cannot be read: {cause(error.__cause__ or error)}",
                      "check the file, or give another one") from error


def _file(path, settings):
    kind = os.path.splitext(path)[1].lower()
    if kind in IMAGES and settings.task in IMAGE_TASKS:
        return [{"image": path}]
    if kind not in READERS:
        raise Problem(f"the data set {path} is of no known kind",
                      "give a .jsonl, .json, .csv, .tsv, .txt or .parquet file")
    import datasets

    options = {"delimiter": "\t"} if kind == ".tsv" else {}
    rows = datasets.load_dataset(
        READERS[kind], data_files=path, split="train", streaming=True, **options)
    return _taken(rows, settings)


def _split(found, name, settings):
    """One split of a data set that may have several."""
    if not hasattr(found, "keys"):
        return found
    wanted = [settings.split] if settings.split else SPLITS
    for split in wanted:
        if split in found:
            return found[split]
    if not settings.split and len(found) == 1:
        return next(iter(found.values()))
    raise Problem(f"the data set {name} has no split {' or '.join(wanted)}; it has {', '.join(found)}",
                  "name one with --set split=NAME")


def _taken(rows, settings):
    """The first rows, told about once a second: streams from the hub can be slow."""
    taken, told = [], time.monotonic()
    for row in rows.take(settings.samples):
        taken.append(row)
        if time.monotonic() - told > 1:
            told = time.monotonic()
            settings.report(f"reading the data set ({len(taken)} of {settings.samples} rows)")
    return taken


# ---- The hub.


def _hub(name, settings):
    """The first rows of a data set of the hub; they are kept in the cache, so that it is asked once."""
    import datasets

    key = json.dumps([name, settings.dataset_config, settings.dataset_revision, settings.split, settings.samples])
    kept = os.path.join(settings.cache, "datasets", hashlib.sha256(key.encode()).hexdigest()[:16])
    if os.path.isdir(kept):
        return list(datasets.load_from_disk(kept))
    if settings.offline:
        raise hub_problem("data set", name, settings, None)
    settings.report(f"fetching {settings.samples} rows of {name}")
    try:
        found = datasets.load_dataset(
            name, settings.dataset_config, revision=settings.dataset_revision, streaming=True,
            cache_dir=hub_cache(settings))
        rows = _taken(_split(found, name, settings), settings)
    except Problem:
        raise
    except Exception as error:
        raise hub_problem("data set", name, settings, error) from error
    unfinished = f"{kept}.{os.getpid()}"
    try:
        datasets.Dataset.from_list(rows).save_to_disk(unfinished)
        os.rename(unfinished, kept)
    except Exception as error:  # Another run was first, or the disk is full: the rows are here all the same.
        print(f"the rows of {name} were not kept: {cause(error)}", file=sys.stderr)
        shutil.rmtree(unfinished, ignore_errors=True)
    return rows
