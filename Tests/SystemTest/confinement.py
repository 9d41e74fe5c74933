"""Plugins run in a unit of their own, with fewer rights than the daemon."""

from report import expect

# What one inference of the plugin `command` does: it looks for what it must not have.
PROBE = r"""#!/bin/sh
fail() { echo "$*" >&2; exit 1; }
field() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }
[ "$(id -un)" = taskwatt-plugin ] || fail "it runs as $(id -un)"
for set in CapEff CapPrm CapBnd CapAmb; do
    [ "$(field $set)" = 0000000000000000 ] || fail "$set is $(field $set)"
done
[ "$(field NoNewPrivs)" = 1 ] || fail "NoNewPrivs is off"
[ "$(field Seccomp)" = 2 ] || fail "no system call is filtered"
grep -q 'taskwatt-plugin@.*\.service' /proc/self/cgroup || fail "it is in $(cat /proc/self/cgroup)"
cat /var/lib/taskwatt/taskwatt.sqlite >/dev/null 2>&1 && fail "it reads the record"
cat /etc/taskwatt/taskwatt.yaml >/dev/null 2>&1 && fail "it reads the configuration"
for socket in /run/taskwatt/taskwatt.sock /run/taskwatt-plugin/plugin.sock; do
    [ -e $socket ] && fail "it sees $socket"
done
grep -v -e '|' -e 'lo:' /proc/net/dev | grep -q . && fail "it has a network"
for place in / /etc /usr /var /var/lib /root /home /sys/kernel; do
    touch $place/written 2>/dev/null && fail "it writes into $place"
done
[ -r /dev/vda ] && fail "it reads the disk"
ls -d /proc/1 >/dev/null 2>&1 && fail "it sees the processes of others"
# What outlives its plugin, as far as the plugin has a say.
setsid sh -c 'exec sleep 7777' </dev/null >/dev/null 2>&1 &
sleep 0.2
"""


def check(report, machine, service):
    with report.check("a plugin has no rights, no network, and sees nothing of the daemon's") as seen:
        machine.run("install -D -m 755 /dev/stdin /usr/local/lib/confinement/probe", input=PROBE)
        service.schedule("confined", repeats=1, command="/usr/local/lib/confinement/probe")
        ended = service.wait(service.submit("confined"), "completed", "failed", "interrupted")
        expect(ended["state"] == "completed", f"the job is {ended['state']}: {ended['failures']}")
        left = machine.text("pgrep -f '[s]leep 7777' || true")
        expect(not left, f"something of the plugin has outlived it: process {left}")
        machine.run("taskwatt schedule remove confined && rm -r /usr/local/lib/confinement /root/confined.yaml")
        seen("user taskwatt-plugin, no capabilities, NoNewPrivs, seccomp, a unit of its own; nothing has outlived it")

    with report.check("its unit is locked down, as systemd sees it") as seen:
        judged = machine.text("systemd-analyze security --no-pager taskwatt-plugin@0.service | tail -n 1", timeout=60)
        exposure = float(judged.split(": ")[1].split()[0])
        expect(exposure <= 1.5, f"exposure {exposure}, more than 1.5")
        seen(f"exposure {exposure}")
