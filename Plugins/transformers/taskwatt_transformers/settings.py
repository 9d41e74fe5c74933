"""The parameters of plugin.yaml, checked."""

from dataclasses import dataclass, field

from .problem import INVALID_PARAMS, Problem

# The words that the paper's own code keeps of a text, by task.
PAPER_WORDS = {"fill-mask": 20, "text-generation": 20, "text-to-image": 50}


@dataclass
class Settings:
    """What one `initialize` asks for. Texts that were left out are None."""

    task: str
    device: str
    seed: int
    cache: str
    model: str = None
    dataset: str = "synthetic"
    dataset_config: str = None
    dataset_revision: str = None
    split: str = None
    column: str = None
    context_column: str = None
    samples: int = 1000
    words: int = 0
    image_size: tuple = (640, 480)
    revision: str = None
    offline: bool = False
    batch: int = 1
    precision: str = "fp32"
    threads: int = 0
    max_new_tokens: int = 10
    max_length: int = 15
    min_length: int = 10
    caption_length: int = 0
    num_beams: int = 0
    steps: int = 50
    guidance: float = 7.5
    report: object = field(default=None, repr=False)


TEXTS = ("dataset", "dataset_config", "dataset_revision", "split", "column", "context_column", "revision")
# Whole numbers: the least and the greatest.
NUMBERS = {
    "samples": (1, 1_000_000), "words": (0, 1_000_000), "batch": (1, 4096), "threads": (0, 1024),
    "max_new_tokens": (1, 100_000), "max_length": (2, 100_000), "min_length": (0, 100_000),
    "caption_length": (0, 100_000), "num_beams": (0, 100), "steps": (1, 10_000),
}


def settings(params, report):
    """Reads the parameters of `initialize`.

    Raises Problem (code -32602) for one that is unknown or does not fit.
    """
    given = params.get("parameters", {})
    read = {"words": PAPER_WORDS.get(params["task"], 0)}
    for name, value in given.items():
        if value is None:
            continue
        if name in TEXTS:
            read[name] = _text(name, value)
        elif name in NUMBERS:
            read[name] = _number(name, value, *NUMBERS[name])
        elif name == "image_size":
            read[name] = _image_size(value)
        elif name == "guidance":
            read[name] = _guidance(value)
        elif name == "offline":
            if not isinstance(value, bool):
                raise _misfit(name, value, "true or false", "true")
            read[name] = value
        elif name == "precision":
            if value not in ("fp32", "fp16", "bf16"):
                raise _misfit(name, value, "fp32, fp16 or bf16", "fp32")
            read[name] = value
        else:
            raise Problem(f"there is no parameter `{name}`", "see the plugin's README", code=INVALID_PARAMS)
    result = Settings(
        task=params["task"], device=params["device"], seed=params["seed"], cache=params["cache_directory"],
        model=params.get("model"), report=report, **read)
    if result.min_length > result.max_length:
        said = f"min_length is {result.min_length}, above max_length, which is {result.max_length}"
        raise Problem(said, "give a --set max_length=NUMBER that is not below it", code=INVALID_PARAMS)
    return result


def _misfit(name, value, what, example):
    return Problem(
        f"the parameter {name} must be {what}, not `{value}`",
        f"give one, such as --set {name}={example}, or leave it out", code=INVALID_PARAMS)


def _text(name, value):
    # A suite may write `split: 1`, or `dataset_config: 2014`.
    if isinstance(value, (bool, dict, list)) or str(value).strip() == "":
        raise _misfit(name, value, "a text", "NAME")
    return str(value)


def _number(name, value, least, greatest):
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= greatest:
        raise _misfit(name, value, f"a whole number from {least} to {greatest}", max(least, 1))
    return value


def _guidance(value):
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1000:
        raise _misfit("guidance", value, "a number from 0 to 1000", "7.5")
    return float(value)


def _image_size(value):
    if value == "original":
        return None
    sides = str(value).lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() and 0 < int(side) <= 16384 for side in sides):
        raise _misfit("image_size", value, "WIDTHxHEIGHT or `original`", "640x480")
    return int(sides[0]), int(sides[1])
