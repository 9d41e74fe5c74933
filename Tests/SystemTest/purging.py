"""After a purge, the machine is as it was before the install, but for what is not the package's."""

import re

from installation import ENGINES
from report import expect

# What any package's coming and going, the administrator, and time leave: logs, lists of dpkg, apt and systemd, caches that are
# made anew; ONNX Runtime, which the administrator brought.
OTHERS = re.compile("|".join([
    r"/var/log/", r"/var/lib/(dpkg|apt|systemd|private|dbus)/", r"/var/cache/(apt|debconf|ldconfig)/",
    r"/var/tmp/systemd-private-",
    r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-", r"/etc/\.pwd\.lock$", r"/etc/ld\.so\.cache",
    r"/etc/ld\.so\.conf\.d/taskwatt-trial", r"/usr/local/lib/taskwatt-trial",
    r"/usr/lib/taskwatt$", r"/usr/lib/taskwatt/engines$", re.escape(ENGINES),
]))
PURGE = "DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 purge taskwatt 2>&1"


def check(report, machine, what):
    with report.check("purge leaves nothing behind") as seen:
        machine.run(PURGE, timeout=200)
        difference = [one for one in sorted(what.listing(machine) ^ what.before) if not OTHERS.match(one)]
        expect(not difference, f"these came or went: {' '.join(difference[:20])}")
        # The sensor's own unit names the service that it comes before, which systemd lists as not found.
        units = machine.text(
            "systemctl list-units --all --plain --no-legend 'taskwatt*' | grep -v ' not-found '; "
            "systemctl list-unit-files --no-legend 'taskwatt*'; true")
        expect(not units, f"units are left: {units}")
        processes = machine.text("pgrep --list-full --euid taskwatt,taskwatt-plugin || true")
        expect(not processes, f"processes are left: {processes}")
        running = machine.text("ls -d /run/taskwatt* /run/systemd/*/taskwatt* 2>/dev/null || true")
        expect(not running, f"is left: {running}")
        expect(machine.text("getent passwd taskwatt"), "the user is gone, and his number may become another's")
        seen("no file, unit or process; the user stays")

    with report.check("the system has no failed unit") as seen:
        failed = machine.text("systemctl --failed --no-legend --plain")
        expect(not failed, failed)
        seen(machine.text("systemctl is-system-running", check=False))
