"""Which windows are measured, and what they come to: over any bench that measures a window."""

from . import analysis
from .bench import FAST, SLOW

QUANTITIES = ("energy", "usage", "average", "instant")
SMI = ("smi", "smi-average", "smi-instant")
# Multiples of a sensor's period at which a load's edges fall on every part of it: with simple fractions they fall on the same few
# again and again, and a window that is early and short looks like one that is late and long.
PERIODS = (0.618, 1.272, 1.618, 2.618)


class Plan:
    """How long and how many, by the budget: 1 is the whole, and a small one only shows that all works."""

    def __init__(self, scale):
        self.scale = min(1.0, max(0.02, scale))
        whole = self.scale > 0.4
        self.idle_s = 8 * self.scale
        self.lead_s = 1.2 if whole else max(0.15, 1.2 * self.scale)
        self.window_s = max(0.2, 3 * self.scale)
        self.periods = PERIODS if whole else PERIODS[:2]
        self.lengths_s = [one * self.scale for one in ((0.1, 0.5, 2, 5) if whole else (2,))]
        self.duties = (0.1, 0.25, 0.5, 0.75, 1.0) if whole else (0.5, 1.0)
        self.multiples = (0.618, 1, 10) if whole else (1,)
        self.rounds = 2 if whole else 1


def mean_power(window, name):
    """The mean of a power in W, or of a counter between its updates, over the window."""
    series = window.series.get(name)
    if series is None:
        return None
    if name == "energy":
        moments, values = series.moments[1:], series.values[1:]
        return (values[-1] - values[0]) / (moments[-1] - moments[0]) if len(moments) > 2 else None
    energy = analysis.integral(series, window.begin, window.end)
    return None if energy is None else energy / (window.end - window.begin)


def idle_powers(window):
    return {name: mean_power(window, name) for name in sorted(window.series)}


def sensors(windows, names=QUANTITIES):
    """Update period and averaging window of each quantity, over all windows that were read fast."""
    found = {}
    pulses = [pulse for window in windows for pulse in window.pulses]
    for name in names:
        several = [window.series[name] for window in windows if name in window.series]
        updates = analysis.update_period(*several)
        if updates is None:
            continue
        period = updates["period_s"]
        points = []
        for series in several:
            points += analysis.energy_points(series, period) if name == "energy" else analysis.power_points(series, period)
        fit = analysis.averaging_window(points, pulses, period, updates["step_s"] or 0.0)
        found[name] = {**updates, **(fit or {})}
    return found


def distinct_periods(found, most=2):
    """The update periods that differ by more than a fifth, the counter's first."""
    distinct = []
    for name in ("energy", "instant", "average", "usage"):
        period = found.get(name, {}).get("period_s")
        if period and all(abs(period - other) > 0.2 * other for other in distinct):
            distinct.append(period)
    return distinct[:most]


def characterise(bench, plan, limit, tell=lambda text: None, kept=None):
    """Windows that are read fast: one to see the periods, loads around those, and pulses of several lengths; added to `kept`."""
    kept = [] if kept is None else kept

    def measure(seconds, period, duty):
        kept.append(bench.window(seconds, period, duty, FAST, plan.lead_s, plan.lead_s, limit=limit))

    measure(2 * plan.window_s / 3, 10, 1.0)
    for period in distinct_periods(sensors(kept)) or [0.1]:
        tell(f"loads around the period of {period * 1000:.1f} ms")
        for multiple in plan.periods:
            measure(plan.window_s, multiple * period, 0.5)
    for length in plan.lengths_s:
        tell(f"a load of {length:.2g} s")
        measure(length, 10, 1.0)
    return kept


def compare(bench, plan, found, limit, tell=lambda text: None, kept=None):
    """Windows of several duty cycles, read at leisure and by nvidia-smi and Taskwatt too. They are added to `kept` as they come."""
    kept = [] if kept is None else kept
    period = (distinct_periods(found) or [0.1])[0]
    for duty in plan.duties:
        # At full duty there is no period.
        for multiple in plan.multiples if duty < 1 else plan.multiples[:1]:
            tell(f"duty {duty:.0%}" + (f", period {multiple * period * 1000:.1f} ms" if duty < 1 else ""))
            kept.append(bench.window(
                plan.window_s, multiple * period, duty, SLOW, plan.lead_s, plan.lead_s, compare=True, limit=limit))
    return kept


def polling(bench, plan, limit):
    """The power by the energy counter under a steady load, read every millisecond and every 20 ms by turns."""
    found = {"fast_w": [], "slow_w": []}
    for _ in range(plan.rounds):
        for name, step in (("fast_w", 0.001), ("slow_w", 0.02)):
            seconds = max(plan.window_s, 0.8)
            window = bench.window(seconds, 10, 1.0, {"energy": step}, 0.1, 0.1, limit=limit)
            series = window.series.get("energy")
            # Clocks and temperature settle first.
            begin, end = window.load_begin + 0.25 * seconds, window.load_end
            energy = series and analysis.counted(series, begin, end)
            if energy is not None:
                found[name].append(energy / (end - begin))
    fast, slow = found["fast_w"], found["slow_w"]
    found["ratio"] = analysis.ratio(sum(fast) / len(fast), sum(slow) / len(slow)) if fast and slow else None
    return found


def row(window, idle):
    """One window as figures: the energy in J by each way of measuring it, and each over that of the counter, gross and net of idle.

    What Taskwatt measured is compared with the counter over Taskwatt's own window, which is a little longer and was read too.
    """
    seconds = window.end - window.begin
    on = sum(off - begin for begin, off in window.pulses)
    energies = {}
    for name, series in window.series.items():
        if name == "energy":
            energies["counter"] = analysis.counted(series, window.begin, window.end)
        else:
            energies[name] = analysis.integral(series, window.begin, window.end)
    counter, idle_w = energies.get("counter"), idle.get("energy")
    result = {
        "period_s": window.period_s, "duty": window.duty, "load_s": window.seconds, "seconds": seconds, "on_s": on,
        "pulses": len(window.pulses), "products": window.products, "energy_j": energies,
        "ratio": {name: analysis.ratio(energy, counter) for name, energy in energies.items() if name != "counter"},
        "net_ratio": {
            name: analysis.net_ratio(energy, idle.get(name), counter, idle_w, seconds)
            for name, energy in energies.items() if name != "counter"
        },
        "problems": window.problems,
    }
    if counter is not None and idle_w is not None and window.products:
        result["net_j_per_product"] = (counter - idle_w * seconds) / window.products
    if window.taskwatt:
        result["taskwatt"] = taskwatt_row(window)
    return result


def rows(measured, idle):
    """All windows as figures, each with its net energy by the counter over that of a steady load as long as its pulses together."""
    found = [row(window, idle) for window in measured]
    full = [one for one in found if one["duty"] == 1 and net_energy(one, idle) and one["on_s"] > 0]
    power = sum(net_energy(one, idle) / one["on_s"] for one in full) / len(full) if full else None
    # A load that is hardly seen is no measure.
    if power is not None and power < 0.05 * idle["energy"]:
        power = None
    for one in found:
        one["net_over_steady"] = analysis.ratio(net_energy(one, idle), power and power * one["on_s"])
    return found


def net_energy(row, idle):
    counter, idle_w = row["energy_j"].get("counter"), idle.get("energy")
    return None if counter is None or idle_w is None else counter - idle_w * row["seconds"]


def taskwatt_row(window):
    domain = next(iter(window.taskwatt.get("domains", [])), {})
    own = window.taskwatt.get("window", {})
    begin, end = own.get("start_monotonic_s"), own.get("end_monotonic_s")
    energy, series = domain.get("energy_j"), window.series.get("energy")
    counter = analysis.counted(series, begin, end) if series and begin and end else None
    result = {
        "energy_j": energy, "uncertainty_j": domain.get("uncertainty_j"), "coverage": domain.get("coverage"),
        "flags": domain.get("flags"), "seconds": own.get("duration_s"), "counter_j": counter, "ratio": analysis.ratio(energy, counter),
    }
    if None not in (energy, counter, result["uncertainty_j"]):
        result["within_uncertainty"] = abs(energy - counter) <= result["uncertainty_j"]
    return result


def usage_is(windows):
    """The share of its updates at which nvmlDeviceGetPowerUsage is the averaged field, and the instant one."""
    shares = {}
    for other in ("average", "instant"):
        found = [
            share for window in windows if "usage" in window.series and other in window.series
            if (share := analysis.alike(window.series["usage"], window.series[other])) is not None
        ]
        shares[other] = sum(found) / len(found) if found else None
    return shares
