"""PyTorch and the devices it can use."""

import sys

from .problem import Problem, cause

PRECISIONS = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
INSTALL = "run `taskwatt plugin install transformers`"


def import_torch(report):
    """PyTorch, with torchvision left out where it does not fit.

    A torchvision that was built for another PyTorch fails at its import, and would take transformers with it. Without
    it transformers prepares images by Pillow, and timm (which needs it) cannot be used.
    """
    try:
        import torch
    except Exception as error:
        raise Problem(f"PyTorch cannot be loaded: {cause(error)}", INSTALL) from error
    if "torchvision" in sys.modules:
        return torch
    try:
        import torchvision  # noqa: F401
    except Exception as error:
        report(f"torchvision is left out, so images are prepared by Pillow and timm cannot be used: {cause(error)}")
        for name in [name for name in sys.modules if name.split(".")[0] in ("torchvision", "timm")]:
            del sys.modules[name]
        sys.modules["torchvision"] = sys.modules["timm"] = None
    return torch


def device(torch, name):
    """The device of that name.

    Raises Problem where this machine or this PyTorch does not have it. There is no falling back to another one.
    """
    kind, _, number = name.partition(":")
    if number and not number.isdecimal():
        raise Problem(f"there is no device `{name}`", "give cpu, cuda:0, rocm:0, xpu:0 or mps")
    if kind == "cpu" and not number:
        return torch.device("cpu")
    hip = torch.version.hip is not None
    if kind == "rocm" and not hip:
        raise Problem(f"{name} is not available: this PyTorch {torch.__version__} was built without ROCm",
                      "install a PyTorch for ROCm into the plugin's environment, or give --device cpu")
    if kind in ("cuda", "rocm"):
        return _numbered(torch, "cuda", name, number, torch.cuda)
    if kind == "xpu":
        return _numbered(torch, "xpu", name, number, torch.xpu)
    if kind == "mps" and number in ("", "0"):
        if not torch.backends.mps.is_available():
            raise Problem("mps is not available: this is no Mac with Apple silicon", "give --device cpu")
        return torch.device("mps")
    raise Problem(f"there is no device `{name}`", "give cpu, cuda:0, rocm:0, xpu:0 or mps")


def _numbered(torch, kind, name, number, module):
    count = module.device_count() if module.is_available() else 0
    index = int(number or 0)
    if index >= count:
        have = f"PyTorch {torch.__version__} sees no such device" if count == 0 else f"there are {count}"
        raise Problem(
            f"{name} is not available: {have}",
            "check its driver and that the plugin's environment has a PyTorch built for it, or give --device cpu")
    return torch.device(kind, index)


def synchronize(torch, target):
    """Waits until the device has done all that it was given."""
    if target.type == "cuda":
        torch.cuda.synchronize(target)
    elif target.type == "xpu":
        torch.xpu.synchronize(target)
    elif target.type == "mps":
        torch.mps.synchronize()


def free_cached_memory(torch, target):
    if target.type == "cuda":
        torch.cuda.empty_cache()
    elif target.type == "xpu":
        torch.xpu.empty_cache()
    elif target.type == "mps":
        torch.mps.empty_cache()


def available_memory():
    """The bytes that programs can still have, as Linux estimates them; None where it does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None
