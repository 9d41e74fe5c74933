"""Taskwatt as it is called here: from an archive with its libraries beside it, or a program that was built on this machine."""

import os
import pathlib
import shutil
import tarfile

from .workers import StepError

HERE = pathlib.Path(__file__).resolve().parent


def unpack(archive, folder):
    """Unpacks what make-gpu-check packed. Returns the program's path."""
    try:
        with tarfile.open(archive) as file:
            # Python before 3.12 has no filters; the archive is our own.
            options = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            file.extractall(folder, **options)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise StepError(f"{archive} cannot be unpacked: {error}") from error
    found = sorted(pathlib.Path(folder).glob("*/program/bin/taskwatt"))
    if not found:
        raise StepError(f"there is no program/bin/taskwatt in {archive}")
    return found[0]


class Program:
    def __init__(self, path, folder, nvml=None):
        self.path, self.folder, self.nvml = pathlib.Path(path), pathlib.Path(folder), nvml
        self.libraries = self.path.parent.parent / "lib"

    @property
    def environment(self):
        """Nothing of a user's own is read or written. Its libraries are for the program alone."""
        own = {name: str(self.folder / name.lower()) for name in ("TASKWATT_STATE_DIR", "TASKWATT_CACHE_DIR", "TASKWATT_ENVIRONMENTS")}
        own |= {name: str(self.folder / name.lower()) for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR")}
        environment = {**os.environ, **own, "NO_COLOR": "1"}
        if self.has_libraries:
            search = [str(self.libraries), os.environ.get("LD_LIBRARY_PATH", "")]
            environment["LD_LIBRARY_PATH"] = ":".join(part for part in search if part)
        if self.nvml:
            environment["TASKWATT_NVML"] = self.nvml
        return environment

    @property
    def has_libraries(self):
        return any(self.libraries.glob("*.so*"))

    def command(self, *arguments):
        return [str(self.path), *arguments]

    def plugins(self):
        """Where the plugin transformers lies, and its folder."""
        beside = self.libraries / "taskwatt/plugins"
        above = [parent / "Plugins" for parent in self.path.resolve().parents]
        for place in [beside, *above]:
            if (place / "transformers/plugin.yaml").is_file():
                return place
        raise StepError("the plugin transformers is neither beside the program nor in a checkout around it")

    def use_python(self, python):
        """Makes the plugin's environment of a Python that has PyTorch and transformers already.

        It is one of Taskwatt's by its form alone: what starts the Python takes our libraries out of its sight first, for PyTorch has
        its own.
        """
        requirements = self.plugins() / "transformers/requirements.txt"
        environment = pathlib.Path(self.environment["TASKWATT_ENVIRONMENTS"]) / "transformers"
        (environment / "bin").mkdir(parents=True, exist_ok=True)
        (environment / "pyvenv.cfg").write_text("# made by gpu-check\n", encoding="utf-8")
        shutil.copyfile(requirements, environment / "complete")
        search = os.environ.get("LD_LIBRARY_PATH")
        setting = f"LD_LIBRARY_PATH={quoted(search)}; export LD_LIBRARY_PATH" if search else "unset LD_LIBRARY_PATH"
        starter = environment / "bin/python"
        starter.write_text(f"#!/bin/sh\n{setting}\nexec {quoted(python)} \"$@\"\n", encoding="utf-8")
        starter.chmod(0o755)


def quoted(text):
    return "'" + str(text).replace("'", "'\\''") + "'"
