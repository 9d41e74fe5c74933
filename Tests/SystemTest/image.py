"""The root file system of the virtual machine: Debian 12 with its stock kernel, made once and kept until its recipe changes."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SUITE = "bookworm"
SIZE = 6 << 30
# What a lab's machine has, the bus tools that change the simulated chip, and sqlite3 to judge the record.
PACKAGES = [
    "linux-image-amd64", "initramfs-tools", "systemd-sysv", "udev", "dbus", "kmod", "openssh-server", "iproute2", "i2c-tools",
    "sqlite3", "curl", "procps", "python3-minimal", "pci.ids",
]
# Nothing shall wake up in a measurement of minutes.
MASKED = [
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "systemd-networkd-wait-online.service", "getty@tty1.service", "systemd-timesyncd.service",
]
# Only what mounts the root: an initramfs of all drivers takes an emulated processor half a minute to unpack.
INITRAMFS_MODULES = ["virtio_pci", "virtio_blk", "ext4"]


class Image:
    """Paths of a finished image, and the key that opens it."""

    def __init__(self, directory):
        self.disk = directory / "root.img"
        self.kernel = directory / "vmlinuz"
        self.initrd = directory / "initrd.img"
        self.key = directory / "key"


def dependencies(package):
    """What the package depends on, by the first of each alternative: apt has no network in the machine."""
    field = subprocess.run(
        ["dpkg-deb", "--field", package, "Depends"], check=True, capture_output=True, text=True).stdout
    return [re.split(r"[ (|]", one.strip())[0] for one in field.split(",") if one.strip()]


def prepare(cache, package):
    """The image for a package, made anew where its recipe is not that of the one that is there.

    Raises subprocess.CalledProcessError where it cannot be made; mmdebstrap has said why.
    """
    packages = sorted(set(PACKAGES + dependencies(package)))
    recipe = hashlib.sha256()
    for path in [HERE / "image.py", *sorted(p for p in (HERE / "root").rglob("*") if p.is_file())]:
        recipe.update(str(path.relative_to(HERE)).encode() + b"\0" + path.read_bytes())
    recipe.update(" ".join(packages).encode())
    name = recipe.hexdigest()[:16]
    directory = cache / f"image-{name}"
    if not directory.exists():
        for old in cache.glob("image-*"):
            shutil.rmtree(old)
        unfinished = cache / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        start = time.monotonic()
        print(f"vm-test: making Debian ({SUITE}) for the virtual machine; it is kept in {directory}", flush=True)
        make(unfinished, packages)
        unfinished.rename(directory)
        print(f"vm-test: made in {time.monotonic() - start:.0f} s", flush=True)
    return Image(directory)


def make(directory, packages):
    image = Image(directory)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", image.key], check=True)
    # mmdebstrap needs the rights of root, or of a user namespace, for the owners of files; mke2fs runs inside of it, before
    # the owners are gone.
    root = directory / "root"
    hooks = [
        f"copy-in {HERE}/root/etc {HERE}/root/usr /",
        f"upload {image.key}.pub /root/.ssh/authorized_keys",
    ]
    setup = f"""set -e
chown -R root:root "$1/etc/systemd" "$1/etc/modprobe.d" "$1/etc/ssh" "$1/usr/local"
chmod 700 "$1/root/.ssh"
echo taskwatt-vm >"$1/etc/hostname"
echo '127.0.0.1 localhost taskwatt-vm' >"$1/etc/hosts"
echo '/dev/vda / ext4 defaults 0 1' >"$1/etc/fstab"
chroot "$1" systemctl --quiet enable systemd-networkd simulated-sensor
chroot "$1" systemctl --quiet mask {' '.join(MASKED)}
mkdir -p "$1/var/log/journal"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/vm"
printf '%s\\n' {' '.join(INITRAMFS_MODULES)} >>"$1/etc/initramfs-tools/modules"
chroot "$1" update-initramfs -u
"""
    script = directory / "setup"
    script.write_text(setup)
    command = [
        "mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(packages)}",
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--essential-hook=mkdir -p \"$1/root/.ssh\"",
        *(f"--customize-hook={hook}" for hook in hooks),
        f"--customize-hook=sh {script} \"$1\"",
        f"--customize-hook=download vmlinuz {image.kernel}",
        f"--customize-hook=download initrd.img {image.initrd}",
        SUITE, str(root),
    ]
    as_root = [] if os.geteuid() == 0 else ["sudo"]
    subprocess.run([*as_root, *command], check=True, stdin=subprocess.DEVNULL)
    with open(image.disk, "wb") as disk:
        disk.truncate(SIZE)
    subprocess.run(
        [*as_root, "mke2fs", "-q", "-F", "-t", "ext4", "-d", root, "-L", "taskwatt-vm", image.disk], check=True)
    subprocess.run([*as_root, "rm", "-rf", "--one-file-system", root, script], check=True)
    subprocess.run([*as_root, "chown", "-R", f"{os.getuid()}:{os.getgid()}", directory], check=True)


if __name__ == "__main__":
    sys.exit("image.py: run vm-test, which is beside it")
