"""The meter reads the kernel's driver, and follows the chip."""

import json

from installation import MEMBER
from report import expect
from service import METER


def driver_power(machine):
    """Watts, by the driver's own file."""
    return int(machine.text("cat /sys/class/hwmon/hwmon*/power1_input")) / 1e6


def chip_power(sense, adin):
    """Watts, as the data sheet has them: 151 uV a step over 4 mOhm, times 60.25 mV a step; the driver rounds."""
    return (sense * 151 // 4) / 1e3 * (adin * 482 * 125 // 1000) / 1e3


def listed(meters):
    found = [one for one in meters if one["meter"]["id"] == METER]
    expect(found, f"{METER} is not among {[one['meter']['id'] for one in meters]}")
    return found[0]


def near(power, wanted):
    return abs(power - wanted) <= 0.001 * wanted


def metric(service, name):
    """A figure of the sensor's meter in /metrics, or None."""
    for line in service.text("/metrics").splitlines():
        if line.startswith(name + f'{{meter="{METER}",scope="system"'):
            return float(line.rpartition(" ")[2])
    return None


def check(report, machine, service):
    with report.check("the meter reads the driver") as seen:
        meter = listed(machine.json("taskwatt meters --json"))
        expect(meter["meter"]["provenance"] == "measured", f"its provenance is {meter['meter']['provenance']}")
        expect(meter["meter"]["scope"] == "rail", f"its scope is {meter['meter']['scope']} before anybody gave it one")
        wanted = driver_power(machine)
        expect(near(wanted, chip_power(64, 200)), f"the driver says {wanted} W")
        expect(near(meter["power_w"], wanted), f"{meter['power_w']} W, and the driver says {wanted} W")
        seen(f"{meter['power_w']:.3f} W, rail")

    with report.check("the configuration gives it its scope, without a restart") as seen:
        process = service.process()
        overrides = f"overrides:\n  {METER}:\n    scope: system\n    accuracy: 0.01\n"
        machine.run("cat >>/etc/taskwatt/taskwatt.yaml", input=overrides)
        machine.run("taskwatt config check")
        machine.run("systemctl reload taskwatt")
        machine.wait_for(
            "the scope is system", lambda: listed(service.get("/v1/meters"))["meter"]["scope"] == "system", 30)
        expect(service.process() == process, "the daemon is another process")
        seen("system")

    with report.check("it follows the chip") as seen:
        for sense, adin in ((128, 200), (20, 250), (200, 240)):
            machine.run(f"simulated-sensor {sense} {adin}")
            wanted = chip_power(sense, adin)
            machine.wait_for(
                f"the always-on sampler sees {wanted:.3f} W",
                lambda: near(metric(service, "taskwatt_power_watts") or 0, wanted), 30)
            for source, meters in (
                ("taskwatt meters --json", machine.run_as(MEMBER, "taskwatt meters --json").stdout),
                ("/v1/meters", service.text("/v1/meters")),
            ):
                power = listed(json.loads(meters))["power_w"]
                expect(near(power, wanted), f"{source} says {power} W, and the chip {wanted} W")
            seen(f"{wanted:.1f} W")

    with report.check("its energy adds up") as seen:
        names = ("taskwatt_energy_joules_total", "taskwatt_observed_seconds_total")
        before = [metric(service, name) for name in names]
        machine.wait_for(
            "ten seconds have been observed", lambda: metric(service, names[1]) >= before[1] + 10, 60)
        energy, seconds = (metric(service, name) - old for name, old in zip(names, before))
        # Two questions: a sample may come between.
        expect(abs(energy / seconds - wanted) < 0.2 * wanted, f"{energy} J in {seconds} s, at {wanted} W")
        machine.run("simulated-sensor 64 200")
        seen(f"{energy:.0f} J in {seconds:.1f} s at {wanted:.1f} W")
