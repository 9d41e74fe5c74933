"""What is carried into the machine: a second disk, read-only, since an emulated network takes half a minute for a package."""

import os
import shutil
import subprocess


class Payload:
    """A directory that becomes a disk; in the machine it is at MOUNT."""

    MOUNT = "/mnt"

    def __init__(self, directory):
        self.tree = directory / "payload"
        self.disk = directory / "payload.img"
        self.tree.mkdir()
        self.libraries = set()

    def add(self, source, name):
        """Returns the path in the machine."""
        target = self.tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)
        return f"{self.MOUNT}/{name}"

    def add_package(self, package):
        """The package with the same files, packed by zstd: xz takes emulated processors two minutes."""
        target = self.add(package, "taskwatt.deb")
        members = self.tree / "members"
        members.mkdir()
        subprocess.run(["ar", "x", self.tree / "taskwatt.deb"], cwd=members, check=True)
        names = subprocess.run(
            ["ar", "t", self.tree / "taskwatt.deb"], check=True, capture_output=True, text=True).stdout.split()
        if "data.tar.xz" in names:
            subprocess.run("xz -dc -T0 data.tar.xz | zstd -q -3 -T0 -o data.tar.zst", shell=True, cwd=members, check=True)
            names[names.index("data.tar.xz")] = "data.tar.zst"
        (self.tree / "taskwatt.deb").unlink()
        subprocess.run(["ar", "rcSD", self.tree / "taskwatt.deb", *names], cwd=members, check=True)
        shutil.rmtree(members)
        return target

    def add_program(self, source, name):
        """A program as it was built. What it was linked to and Debian has not, Swift's own of a debug build, comes along."""
        path = self.add(source, name)
        said = subprocess.run(["ldd", source], capture_output=True, text=True).stdout
        for line in said.splitlines():
            library = line.partition("=>")[2].split(" (")[0].strip()
            if library and not library.startswith(("/lib/", "/usr/lib/x86_64", "/lib64/")):
                self.add(library, f"libraries/{os.path.basename(library)}")
                self.libraries.add(library)
        subprocess.run(["strip", "--strip-debug", self.tree / name], check=True)
        return path

    def make_disk(self):
        size = sum(p.stat().st_size for p in self.tree.rglob("*") if p.is_file())
        with open(self.disk, "wb") as disk:
            disk.truncate(int(size * 1.1) + (32 << 20))
        subprocess.run(
            ["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d", self.tree, self.disk], check=True)
        shutil.rmtree(self.tree)
        return self.disk
