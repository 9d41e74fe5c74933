"""NVIDIA's Management Library by ctypes: where it may lie, and the few calls that this check makes.

Numbers and structures are those of nvml.h (docs.nvidia.com/deploy/nvml-api). It shares nothing with Taskwatt's own door to NVML.
"""

import ctypes
import glob
import os
import sys

SUCCESS = 0
NAME = "libnvidia-ml.so.1"
# nvml.h: NVML_FI_DEV_POWER_AVERAGE, "GPU power averaged over 1 sec interval, supported on Ampere (except GA100) or newer", and
# NVML_FI_DEV_POWER_INSTANT, "Current GPU power, supported on all architectures"; milliwatts. The scope 0 is the GPU alone.
FIELD_AVERAGE, FIELD_INSTANT = 185, 186
GPU_SCOPE = 0

# Where drivers, containers and CUDA put it. The folder `stubs` of CUDA is for linking: its library answers nothing.
PLACES = (
    "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/lib/nvidia*", "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib64", "/usr/local/nvidia/lib", "/usr/local/cuda*/compat", "/run/nvidia/driver/usr/lib/x86_64-linux-gnu",
    "/run/nvidia/driver/usr/lib64", "/run/opengl-driver/lib", "/home/kubernetes/bin/nvidia/lib64",
)


class Value(ctypes.Union):
    _fields_ = [
        ("double", ctypes.c_double), ("uint", ctypes.c_uint), ("ulong", ctypes.c_ulong), ("ulonglong", ctypes.c_ulonglong),
        ("longlong", ctypes.c_longlong), ("int", ctypes.c_int), ("ushort", ctypes.c_ushort),
    ]


# By nvmlValueType_t.
VALUE_TYPES = ("double", "uint", "ulong", "ulonglong", "longlong", "int", "ushort")


class FieldValue(ctypes.Structure):
    _fields_ = [
        ("field", ctypes.c_uint), ("scope", ctypes.c_uint), ("timestamp", ctypes.c_longlong), ("latency", ctypes.c_longlong),
        ("type", ctypes.c_uint), ("status", ctypes.c_int), ("value", Value),
    ]


class PCI(ctypes.Structure):
    _fields_ = [
        ("legacy", ctypes.c_char * 16), ("domain", ctypes.c_uint), ("bus", ctypes.c_uint), ("device", ctypes.c_uint),
        ("id", ctypes.c_uint), ("subsystem", ctypes.c_uint), ("bus_id", ctypes.c_char * 32),
    ]


class NVMLError(Exception):
    pass


def candidates(environment=None, site_packages=()):
    """Files and names to try, in order: what `TASKWATT_NVML` names, what the loader knows, and what lies where it may lie."""
    environment = os.environ if environment is None else environment
    named = environment.get("TASKWATT_NVML")
    if named:
        return [named]
    folders = [folder for folder in environment.get("LD_LIBRARY_PATH", "").split(":") if folder]
    folders += [folder for place in PLACES for folder in sorted(glob.glob(place), reverse=True)]
    # PyTorch's own packages, nvidia/<part>/lib.
    folders += [folder for place in site_packages for folder in sorted(glob.glob(os.path.join(place, "nvidia/*/lib")))]
    found = [NAME]
    for folder in folders:
        for name in (NAME, "libnvidia-ml.so"):
            path = os.path.join(folder, name)
            if os.path.exists(path):
                found.append(path)
                break
    return list(dict.fromkeys(found))


class Library:
    """NVML, opened and initialised."""

    def __init__(self, path):
        try:
            self.library = ctypes.CDLL(path)
        except OSError as error:
            raise NVMLError(str(error)) from error
        self.call("nvmlInit_v2")

    def status(self, name, *arguments):
        """What a function answers; None where the library does not have it."""
        function = getattr(self.library, name, None)
        return None if function is None else function(*arguments)

    def words(self, status):
        if status is None:
            return "the library does not have this function"
        function = getattr(self.library, "nvmlErrorString", None)
        if function is None:
            return f"status {status}"
        function.restype = ctypes.c_char_p
        return f"{(function(status) or b'').decode(errors='replace')} (status {status})"

    def call(self, name, *arguments):
        status = self.status(name, *arguments)
        if status != SUCCESS:
            raise NVMLError(f"{name}: {self.words(status)}")

    def text(self, name, *arguments):
        buffer = ctypes.create_string_buffer(256)
        return buffer.value.decode(errors="replace") if self.status(name, *arguments, buffer, 255) == SUCCESS else None

    def number(self, name, *arguments, kind=ctypes.c_uint):
        value = kind()
        return value.value if self.status(name, *arguments, ctypes.byref(value)) == SUCCESS else None

    def count(self):
        value = ctypes.c_uint()
        self.call("nvmlDeviceGetCount_v2", ctypes.byref(value))
        return value.value

    def device(self, index):
        handle = ctypes.c_void_p()
        self.call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))
        return handle

    def device_at(self, address):
        """By PCI address, such as 00000000:17:00.0."""
        handle = ctypes.c_void_p()
        self.call("nvmlDeviceGetHandleByPciBusId_v2", address.encode(), ctypes.byref(handle))
        return handle

    def field(self, device, field):
        """(status, value) of a field."""
        value = FieldValue(field=field, scope=GPU_SCOPE)
        status = self.status("nvmlDeviceGetFieldValues", device, ctypes.c_int(1), ctypes.byref(value))
        if status != SUCCESS:
            return status, 0
        kind = VALUE_TYPES[value.type] if value.type < len(VALUE_TYPES) else "uint"
        return value.status, getattr(value.value, kind)

    def facts(self, device):
        """What a GPU is; what the library does not tell is None."""
        pci, major, minor = PCI(), ctypes.c_int(), ctypes.c_int()
        address = capability = None
        if self.status("nvmlDeviceGetPciInfo_v3", device, ctypes.byref(pci)) == SUCCESS:
            address = pci.bus_id.decode(errors="replace")
        if self.status("nvmlDeviceGetCudaComputeCapability", device, ctypes.byref(major), ctypes.byref(minor)) == SUCCESS:
            capability = f"{major.value}.{minor.value}"
        limit = self.number("nvmlDeviceGetPowerManagementLimit", device)
        current, pending = ctypes.c_uint(), ctypes.c_uint()
        mig = self.status("nvmlDeviceGetMigMode", device, ctypes.byref(current), ctypes.byref(pending))
        return {
            "name": self.text("nvmlDeviceGetName", device), "uuid": self.text("nvmlDeviceGetUUID", device),
            "pci_address": address, "compute_capability": capability,
            "power_limit_w": None if limit is None else limit / 1000,
            "persistence": self.number("nvmlDeviceGetPersistenceMode", device),
            "mig": bool(current.value) if mig == SUCCESS else None,
        }


def describe(path):
    """What a library tells of itself and of its GPUs."""
    library = Library(path)
    gpus = []
    for index in range(library.count()):
        try:
            gpus.append({"index": index, **library.facts(library.device(index))})
        except NVMLError as error:
            gpus.append({"index": index, "problem": str(error)})
    return {
        "library": path, "driver": library.text("nvmlSystemGetDriverVersion"),
        "nvml": library.text("nvmlSystemGetNVMLVersion"), "gpus": gpus,
    }


if __name__ == "__main__":
    # In a process of its own, for a library that is not what it seems may end it: nvml.py LIBRARY.
    import json

    try:
        print(json.dumps(describe(sys.argv[1])))
    except NVMLError as problem:
        sys.exit(str(problem))
