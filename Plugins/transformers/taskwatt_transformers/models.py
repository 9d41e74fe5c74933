"""Where a model's files are, what they are, and whether they are whole."""

import contextlib
import hashlib
import json
import os
import re
import struct
import threading
import time

from .problem import FAILED, INVALID_PARAMS, Problem, cause

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", re.ASCII)

# The models that stand for a task where none is named: of the paper's eight a small and well-known one.
DEFAULTS = {
    "text-classification": "distilbert-base-uncased-finetuned-sst-2-english",
    "question-answering": "distilbert-base-cased-distilled-squad",
    "fill-mask": "bert-base-uncased",
    "token-classification": "dslim/bert-base-NER",
    "image-classification": "google/vit-base-patch16-224",
    "object-detection": "facebook/detr-resnet-50",
    "text-generation": "gpt2",
    "summarization": "facebook/bart-large-cnn",
    "image-to-text": "nlpconnect/vit-gpt2-image-captioning",
    "text-to-image": "CompVis/stable-diffusion-v1-4",
    "feature-extraction": "sentence-transformers/all-MiniLM-L6-v2",
}

# Beside the weights a model of transformers has settings and vocabularies. What other frameworks need is not fetched.
SMALL_FILES = ["*.json", "*.txt", "*.model", "*.jinja", "*.codes", "*.vocab", "*.spm"]


def is_path(name):
    return name.startswith(("/", "~"))


def locate(settings):
    """The folder of the model's files, and the model's name for the record. Fetches it from the hub where it must."""
    name = settings.model or DEFAULTS.get(settings.task)
    if name is None:
        raise Problem(f"there is no default model for the task {settings.task}", "name one with --model",
                      code=INVALID_PARAMS)
    if is_path(name):
        folder = os.path.realpath(os.path.expanduser(name))
        if not os.path.isdir(folder):
            what = "is a file, and a folder is needed" if os.path.exists(folder) else "is not there"
            raise Problem(f"the model folder {name} {what}",
                          "give the folder that `save_pretrained` or the hub's download made, or an id of the hub")
        return folder, os.path.basename(folder)
    if name.startswith(".") or not HUB_ID.fullmatch(name):
        raise Problem(f"`{name}` is neither an id of the hub nor an absolute path",
                      "give an id such as gpt2 or facebook/detr-resnet-50, or a folder's path that begins with /")
    return _fetch(name, settings), name


def hub_cache(settings):
    """The cache of downloads: the user's where one is set, else the plugin's own, which `plugin clean` empties."""
    if os.environ.get("HF_HOME") or os.environ.get("HF_HUB_CACHE"):
        return None
    return os.path.join(settings.cache, "hub")


def _fetch(name, settings):
    import huggingface_hub

    common = {"revision": settings.revision, "cache_dir": hub_cache(settings)}
    try:
        if settings.offline:
            # `snapshot_download` would miss the files that were left out on purpose.
            index = "model_index.json" if settings.task == "text-to-image" else "config.json"
            found = huggingface_hub.try_to_load_from_cache(name, index, **common)
            if not isinstance(found, str):
                raise hub_problem("model", name, settings, None)
            return os.path.dirname(found)
        with _told(name, settings):
            if settings.task == "text-to-image":
                from diffusers import DiffusionPipeline

                return DiffusionPipeline.download(name, **common)
            info = huggingface_hub.HfApi().model_info(name, revision=settings.revision)
            weights = _weights_on_top([file.rfilename for file in info.siblings or []])
            if not weights:
                raise Problem(f"the model {name} has no weights for PyTorch on the hub", "choose another model")
            return huggingface_hub.snapshot_download(
                name, allow_patterns=SMALL_FILES + weights, ignore_patterns=["*/*"], **common)
    except Problem:
        raise
    except Exception as error:
        raise hub_problem("model", name, settings, error) from error


def _weights_on_top(files):
    """Of a repository's files the weights that `from_pretrained` would take: safetensors, else PyTorch's own."""
    for pattern in (r"model(-\d+-of-\d+)?\.safetensors", r"pytorch_model(-\d+-of-\d+)?\.bin"):
        found = [file for file in files if re.fullmatch(pattern, file)]
        if found:
            return found
    return []


@contextlib.contextmanager
def _told(name, settings):
    """Tells the host how much is fetched, while it grows: a download that stands still runs into its time limit."""
    from huggingface_hub import constants

    root = hub_cache(settings) or constants.HF_HUB_CACHE
    blobs = os.path.join(root, "models--" + name.replace("/", "--"), "blobs")
    done = threading.Event()

    def watch():
        last = -1
        while not done.wait(2):
            try:
                fetched = sum(entry.stat().st_size for entry in os.scandir(blobs))
            except OSError:
                continue  # Not there yet, or a file was just renamed.
            if fetched != last:
                last = fetched
                settings.report(f"fetching {name} ({fetched / 1e6:.0f} MB)")

    settings.report(f"fetching {name}")
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def hub_problem(what, name, settings, error):
    """The error of a library that could not get something from the hub, in a line."""
    from huggingface_hub import errors

    folder = f"give the absolute path of a folder that holds the {what}"
    kinds = [kind.__name__ for kind in type(error).__mro__]
    if isinstance(error, errors.GatedRepoError):
        return Problem(f"the {what} {name} is gated: its owner asks for an agreement",
                       f"accept its terms on its page, then `hf auth login`, or {folder}")
    if isinstance(error, errors.RevisionNotFoundError):
        return Problem(f"the {what} {name} has no such revision", "give another, or leave it out")
    if isinstance(error, errors.RepositoryNotFoundError) or "DatasetNotFoundError" in kinds:
        return Problem(f"the {what} {name} is not on the hub, or not for everybody",
                       f"check the id, `hf auth login` if it is private, or {folder}")
    if settings.offline:
        return Problem(f"the {what} {name} is not in the cache, and --set offline=true forbids to fetch it",
                       f"run once with --set offline=false, or {folder}")
    root = error
    while below := root.__cause__ or (None if root.__suppress_context__ else root.__context__):
        root = below
    return Problem(f"the {what} {name} cannot be fetched from the hub: {cause(root)}",
                   f"check the network, give --set offline=true if it was fetched before, or {folder}")


# ---- What the files are.


def weight_files(folder, is_pipeline):
    """The weights that will be loaded, sorted. For a diffusers pipeline those of all its parts.

    Raises Problem where there are none, or where a file was cut short.
    """
    if is_pipeline:
        found = [file for part in _parts(folder) for file in _weights(os.path.join(folder, part))]
    else:
        found = _weights(folder)
    if not found:
        raise Problem(f"the folder {folder} has no weights (*.safetensors or *.bin)",
                      "give a folder that `save_pretrained` made, or fetch the model once more")
    for file in found:
        if file.endswith(".safetensors"):
            safetensors_header(file)
    return sorted(found)


def _parts(folder):
    index = os.path.join(folder, "model_index.json")
    try:
        with open(index, encoding="utf-8") as file:
            parts = [name for name, value in json.load(file).items()
                     if isinstance(value, list) and value[:1] != [None]]
    except FileNotFoundError:
        raise Problem(f"{folder} is no diffusers pipeline: model_index.json is not there",
                      "give a model for text-to-image, such as CompVis/stable-diffusion-v1-4") from None
    except (ValueError, AttributeError) as error:
        raise Problem(f"{index} cannot be read: {cause(error)}", "fetch the model once more", code=FAILED) from error
    return [part for part in parts if os.path.isdir(os.path.join(folder, part))]


def _weights(folder):
    files = os.listdir(folder)
    for pattern in (r"(model|diffusion_pytorch_model)(-\d+-of-\d+)?\.safetensors",
                    r"(pytorch_model|diffusion_pytorch_model)(-\d+-of-\d+)?\.bin"):
        found = [os.path.join(folder, file) for file in files if re.fullmatch(pattern, file)]
        if found:
            return found
    return []


def safetensors_header(path):
    """The tensors of a safetensors file: their names, and {"dtype", "shape", "data_offsets"} each.

    Raises Problem where the file is shorter than its header says (https://huggingface.co/docs/safetensors, Format).
    """
    size = os.path.getsize(path)
    remedy = "fetch or save the model once more"
    with open(path, "rb") as file:
        first = file.read(8)
        length = struct.unpack("<Q", first)[0] if len(first) == 8 else size
        if length > 100_000_000:  # The format's own limit.
            raise Problem(f"{path} is no safetensors file", remedy, code=FAILED)
        if 8 + length > size:
            raise Problem(f"the weights {path} are cut short: {size} bytes", remedy, code=FAILED)
        try:
            header = json.loads(file.read(length))
            header.pop("__metadata__", None)
            end = 8 + length + max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        except (ValueError, AttributeError, KeyError, IndexError, TypeError) as error:
            raise Problem(f"{path} is no safetensors file: {cause(error)}", remedy, code=FAILED) from error
    if end != size:
        raise Problem(f"the weights {path} are cut short: {size} bytes, and {end} are needed", remedy, code=FAILED)
    return header


def safetensors_parameters(files):
    """The number of floating-point values in safetensors files; None where a file is of another kind."""
    total = 0
    for path in files:
        if not path.endswith(".safetensors"):
            return None
        for tensor in safetensors_header(path).values():
            if "F" in tensor["dtype"]:  # F32, F16, BF16, F8_E4M3; not the counters and positions of I64.
                count = 1
                for side in tensor["shape"]:
                    count *= side
                total += count
    return total


def sha256(files, settings):
    """One hash for a model's weights: a file's own, or that of the sorted hashes of several, one a line.

    Hashes of large files are kept in the cache by path, size and time of change.
    """
    store = os.path.join(settings.cache, "hashes.json")
    try:
        with open(store, encoding="utf-8") as file:
            known = json.load(file)
    except (OSError, ValueError):
        known = {}
    hashes, told = [], time.monotonic()
    for path in files:
        real = os.path.realpath(path)
        status = os.stat(real)
        key = f"{real} {status.st_size} {status.st_mtime_ns}"
        if key not in known:
            digest = hashlib.sha256()
            with open(real, "rb") as file:
                while block := file.read(1 << 24):
                    digest.update(block)
                    if time.monotonic() - told > 1:
                        told = time.monotonic()
                        settings.report(f"hashing {os.path.basename(path)}")
            known[key] = digest.hexdigest()
        hashes.append(known[key])
    try:
        os.makedirs(settings.cache, exist_ok=True)
        with open(f"{store}.{os.getpid()}", "w", encoding="utf-8") as file:
            json.dump(known, file)
        os.replace(f"{store}.{os.getpid()}", store)
    except OSError:
        pass  # They are counted anew the next time.
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(f"{value}\n" for value in sorted(hashes)).encode()).hexdigest()
