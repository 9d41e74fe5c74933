"""Numbers, texts and structures as no honest program sends them."""
import copy
import json

NUMBERS = [
    0, -0.0, -1, 1, 2, 3, 0.1, -0.1, 1e-315, 5e-324, 1e-9, 1e9, 1e10, 1e11, 1e12, 1e15, 9.007199254740993e15, 1e18, 9.3e18, -9.3e18, 1.9e19,
    1e37, 1e100, 1e300, -1e300, 1.7976931348623157e308, -1.7976931348623157e308, 127, 255, 256, 32768, 65535, 65536, 2**31 - 1, 2**31, -(2**31),
    -(2**31) - 1, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 10**30, 100_001, 1_000_001, 86_401,
]
# As JSON, CSV or YAML may write them, and some that only look so.
NUMBER_TEXTS = [repr(number) for number in NUMBERS] + [
    "1e400", "-1e400", "NaN", "nan", "inf", "-inf", "Infinity", "+1", "01", "0x10", "1_000", "1,5", "1.", ".5", "1e", "--1", "", " ", "1" * 400,
    "0." + "0" * 400 + "1", "9" * 19 + ".5", "1e-400", "1e99999999999", "٣", "1٫5",
]
TEXTS = [
    "", " ", "a", "last", "last-1", "last-99999999999999999999", "label:", "\0", "\n", "\r\n", "\t", "\x1b]0;owned\x07\x1b[31m", "\x9b31m", "\u202e",
    "\u2028", "\ufeff", "é", "e\u0301" * 50, "👩‍👩‍👧‍👦" * 20, "../../../../etc/passwd", "/etc/passwd", "/dev/zero", "file:///etc/passwd", "~", ".", "..",
    "=1+1", "@SUM(1)", "-1", "%s%n%x", "%00", "'; DROP TABLE run; --", "\" OR 1=1", "<script>alert(1)</script>", "\\input{/etc/passwd}", "$(id)", "{{7*7}}",
    "*", "[", "x" * 100, "x" * 255, "x" * 256, "x" * 4096, "x" * 70000, "a" * 64, "0" * 64, "00000000-0000-4000-8000-000000000000", "[" * 2000,
    "true", "null", "text-classification", "tiny", "onnx-proxies", "cpu", "cuda:99999999999999999999",
]


def value(random):
    """Any JSON value."""
    kind = random.random()
    if kind < 0.4:
        return random.choice(NUMBERS)
    if kind < 0.8:
        return random.choice(TEXTS)
    return random.choice([None, True, False, [], {}, [[]], {"": None}, [1] * 5000, nested(random.choice((10, 100, 600, 5000)))])


def nested(depth):
    """A list in a list in a list, made without recursion."""
    inner = []
    for _ in range(depth):
        inner = [inner]
    return inner


def places(root):
    """Every place in a JSON value: its container and the key or index."""
    found, open_ = [], [root]
    while open_:
        container = open_.pop()
        for key in list(container) if isinstance(container, dict) else range(len(container)):
            found.append((container, key))
            if isinstance(container[key], (dict, list)):
                open_.append(container[key])
    return found


def json_value(random, original):
    """A valid JSON value with one to four places made otherwise."""
    root = [copy.deepcopy(original)]
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        container, key = random.choice(places(root))
        old, dice = container[key], random.random()
        if isinstance(old, (int, float)) and not isinstance(old, bool) and dice < 0.75:
            container[key] = random.choice(NUMBERS)
        elif isinstance(old, str) and dice < 0.6:
            container[key] = random.choice(TEXTS)
        elif dice < 0.85:
            container[key] = value(random)
        elif isinstance(container, dict) and container is not root:
            if random.random() < 0.5:
                del container[key]
            else:
                container[random.choice(TEXTS)[:200]] = old
        elif isinstance(container, list) and container is not root:
            container[key:key] = [old] * random.choice((1, 2, 300))
    return root[0]


def dump(value):
    """JSON of any depth, as far as this Python writes it; NaN and infinity as Python has them."""
    try:
        return json.dumps(value).encode()
    except RecursionError:
        return b"[" * 5000 + b"]" * 5000


def data(random, original):
    """Bytes with some of them changed, put in, taken out or doubled."""
    out = bytearray(original)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        at = random.randrange(len(out) + 1)
        dice = random.random()
        if dice < 0.35 and at < len(out):
            out[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, out[at] ^ (1 << random.randrange(8)), random.randrange(256)))
        elif dice < 0.5:
            out[at:at] = random.randbytes(random.choice((1, 2, 4, 64)))
        elif dice < 0.65:
            del out[at:at + random.choice((1, 2, 4, 64, 4096))]
        elif dice < 0.8:
            out[at:at] = out[at:at + random.choice((1, 8, 64, 1024))] * random.choice((1, 2, 100))
        elif dice < 0.9:
            width = random.choice((2, 4, 8))
            out[at:at + width] = random.choice((0, 1, 2 ** (8 * width) - 1, 2 ** (8 * width - 1), 2 ** (8 * width - 1) - 1)).to_bytes(
                width, random.choice(("little", "big")))
        else:
            del out[at:]
    return bytes(out[:4 << 20])


def text(random, original):
    """Text whose numbers and words, mostly, are made otherwise; whole lines sometimes."""
    lines = original.split("\n")
    for _ in range(random.choice((1, 1, 2, 3, 8))):
        at = random.randrange(len(lines))
        dice = random.random()
        if dice < 0.15:
            lines[at:at] = [lines[at]] * random.choice((1, 2, 1000))
        elif dice < 0.25:
            del lines[at]
        elif dice < 0.35:
            lines[at] = " " * random.choice((1, 2, 8)) + lines[at]
        else:
            words, separator = split(lines[at])
            word = random.randrange(len(words))
            words[word] = random.choice(NUMBER_TEXTS if random.random() < 0.6 else TEXTS)
            lines[at] = separator.join(words)
        if not lines:
            lines = [""]
    return "\n".join(lines)


def split(line):
    for separator in (",", ": ", " "):
        if separator in line:
            return line.split(separator), separator
    return [line], ""
