"""What readings tell of the sensor behind them: pure functions over series, in seconds, watts and joules.

The method is that of "Part-time Power Measurements: nvidia-smi's Lack of Attention" (arXiv:2312.02741): read faster than the sensor,
see when values change, and find the averaging window with which a square wave of known times explains the readings best. The authors
find that A100 and H100 sample a quarter of the time.

Nothing here needs numpy, and nothing reads a clock.
"""

import bisect
import math
import statistics

# Others are not looked for: nvml.h names a second as the longest, and less than the load's own steps cannot be seen.
LONGEST_WINDOW = 3.0
SHORTEST_WINDOW = 0.002
# More points make the fit slower and not better.
MOST_POINTS = 400


class Series:
    """Readings of one quantity, kept as its changes.

    A change is (before, at, value): the time of the last read that still gave the value before, the time of the first read that gave
    this one, and the value. The first one has both times alike.
    """

    def __init__(self, changes, end, reads=0, step=None):
        self.changes = [tuple(change) for change in changes]
        self.end = end
        self.reads = reads
        # The median time between two reads.
        self.step = step

    @classmethod
    def of(cls, readings):
        """The series of (time, value) pairs."""
        changes, last, before = [], None, None
        for time, value in readings:
            if last is None or value != last:
                changes.append((time if before is None else before, time, value))
                last = value
            before = time
        gaps = [b - a for (a, _), (b, _) in zip(readings, readings[1:])]
        return cls(changes, before, len(readings), statistics.median(gaps) if gaps else None)

    @property
    def moments(self):
        """When values changed: the middle of the two reads around each change."""
        return [(before + at) / 2 for before, at, _ in self.changes]

    @property
    def values(self):
        return [value for _, _, value in self.changes]


def update_period(*series):
    """How often values change: {"period_s", "spread_s", "updates", "step_s", "is_upper_bound"}; None with fewer than 4 changes.

    An update that repeats the value is no change, so an interval may be a multiple of the period. Intervals at whose ends the reading
    itself was held up, by more than three of its steps and a fifth of the interval, are left out. The spread is the standard deviation
    of an interval. A period below three steps of the reading is only an upper bound.
    """
    intervals, steps = [], []
    for one in series:
        if one.step:
            steps.append(one.step)
        seen = one.changes[1:]
        for (before, at, _), (next_before, next_at, _) in zip(seen, seen[1:]):
            interval = (next_before + next_at - before - at) / 2
            if max(at - before, next_at - next_before) <= max(3 * (one.step or math.inf), 0.2 * interval):
                intervals.append(interval)
    if len(intervals) < 3:
        return None
    # The shortest fifth are single periods, unless most updates repeat the value.
    period = sorted(intervals)[len(intervals) // 5]
    if period <= 0:
        return None
    for _ in range(3):
        counts = [max(1, round(one / period)) for one in intervals]
        # Where nothing changed for long, it is not known how many updates there were.
        counted = [(one, count) for one, count in zip(intervals, counts) if count <= 10]
        if len(counted) < 3:
            return None
        period = sum(one for one, _ in counted) / sum(count for _, count in counted)
    spread = math.sqrt(sum((one - count * period) ** 2 for one, count in counted) / len(counted))
    step = statistics.median(steps) if steps else None
    return {
        "period_s": period, "spread_s": spread, "updates": len(intervals) + 1, "step_s": step,
        "is_upper_bound": step is not None and period < 3 * step,
    }


class Pulses:
    """When the load was on: disjoint (on, off) times in order."""

    def __init__(self, pulses):
        self.begins = [on for on, _ in pulses]
        self.ends = [off for _, off in pulses]
        self.sums = [0.0]
        for on, off in pulses:
            self.sums.append(self.sums[-1] + off - on)

    def before(self, time):
        """The seconds of load up to a time."""
        index = bisect.bisect_right(self.begins, time)
        if index == 0:
            return 0.0
        return self.sums[index - 1] + min(time, self.ends[index - 1]) - self.begins[index - 1]

    def share(self, begin, end):
        return (self.before(end) - self.before(begin)) / (end - begin)


def line(xs, ys):
    """Least squares y = a + b x: (a, b, sum of squared residuals, sum of squares about the mean)."""
    count = len(xs)
    mean_x, mean_y = sum(xs) / count, sum(ys) / count
    about_x = sum((x - mean_x) ** 2 for x in xs)
    about_y = sum((y - mean_y) ** 2 for y in ys)
    product = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys))
    slope = product / about_x if about_x > 0 else 0.0
    return mean_y - slope * mean_x, slope, max(0.0, about_y - slope * product), about_y


def averaging_window(points, pulses, period, resolution=0.0):
    """Over how long a reading averages: {"window_s", "low_s", "high_s", "lag_s", "r2", "idle_w", "load_w", "share", "points"}, or None.

    A reading that appears at u is taken for the mean power over (u - lag - window, u - lag], and power for one of two values, with the
    load on and off. low_s to high_s is where the squares are no more than an F test at 95 % allows (autocorrelation not counted).
    `share` is window / period: which part of the time the sensor looks at all. The GPU's own rise and fall is in the window too.

    - points: (time of the update, W)
    - pulses: when the load was on
    - period: between updates, in seconds
    - resolution: the time between reads, in seconds
    """
    if len(points) < 12:
        return None
    if len(points) > MOST_POINTS:
        points = [points[index * len(points) // MOST_POINTS] for index in range(MOST_POINTS)]
    load = Pulses(sorted(pulses))
    times, values = [time for time, _ in points], [value for _, value in points]
    longest_lag, tried = 1.5 * period, {}

    def squares(window, lag):
        """The squares that are left; a window or lag that cannot be leaves no end of them."""
        if not (SHORTEST_WINDOW <= window <= LONGEST_WINDOW and 0 <= lag <= longest_lag):
            return math.inf
        key = (window, lag)
        if key not in tried:
            shares = [load.share(time - lag - window, time - lag) for time in times]
            tried[key] = line(shares, values)
        return tried[key][2]

    def descend(window, lag, factor, step, fixed=False):
        """The least squares near by. Where the middle of the window stays, longer windows are later: that way the valley runs."""
        while step > 5e-5 or factor > 1.002:
            wider, narrower = window * factor, window / factor
            near = [(window, lag - step), (window, lag + step)]
            if not fixed:
                near += [(wider, lag), (narrower, lag), (wider, lag + (window - wider) / 2), (narrower, lag + (window - narrower) / 2)]
            best = min(near, key=lambda one: squares(*one))
            if squares(*best) < squares(window, lag):
                window, lag = best
            else:
                factor, step = factor ** 0.5, step / 2
        return window, lag

    window = SHORTEST_WINDOW
    while window <= LONGEST_WINDOW:
        for number in range(11):
            squares(window, longest_lag * number / 10)
        window *= 1.3
    starts = []
    for start in sorted(tried, key=lambda key: tried[key][2]):
        if all(not 0.6 < start[0] / other[0] < 1.6 for other in starts):
            starts.append(start)
    window, lag = min((descend(*start, 1.15, longest_lag / 20) for start in starts[:3]), key=lambda one: squares(*one))
    idle, rise, residual, total = tried[(window, lag)]
    if total <= 0 or rise <= 0:
        return None
    allowed = residual * (1 + 4 / max(1, len(points) - 4))
    ends = []
    for factor in (1 / 1.05, 1.05):
        end, at = window, lag
        while True:
            wanted = end * factor
            found = [(wanted, at), (wanted, min(longest_lag, max(0.0, at + (end - wanted) / 2)))]
            found = descend(*min(found, key=lambda one: squares(*one)), 1.0, period / 50, fixed=True)
            if squares(*found) > allowed:
                break
            end, at = found
        ends.append(end)
    return {
        "window_s": window, "low_s": max(0.0, ends[0] - resolution), "high_s": ends[1] + resolution, "lag_s": lag,
        "r2": 1 - residual / total, "idle_w": idle, "load_w": idle + rise, "share": min(1.0, window / period), "points": len(points),
    }


def power_points(series, period):
    """(time, W) of each update of a power whose time is known well enough."""
    return [((before + at) / 2, value) for before, at, value in series.changes[1:] if at - before < 0.5 * period]


def energy_points(series, period):
    """(time, W) of each update of an energy counter: its step over the time since the update before.

    Steps over more than one update hold several averages and are left out, and so are those whose time is too uncertain to divide by.
    """
    points = []
    seen = series.changes[1:]
    for (before, at, value), (next_before, next_at, next_value) in zip(seen, seen[1:]):
        time = (next_before + next_at - before - at) / 2
        if 0.5 * period < time < 1.5 * period and next_at - next_before < 0.5 * period:
            # The period is known better than the two times.
            points.append(((next_before + next_at) / 2, (next_value - value) / period))
    return points


def integral(series, begin, end):
    """The energy in J of a power whose values hold until the next one; None where the series does not reach over the window."""
    moments, values = series.moments, series.values
    if not moments or moments[0] > begin or series.end < end:
        return None
    energy = 0.0
    for index, value in enumerate(values):
        until = moments[index + 1] if index + 1 < len(moments) else series.end
        energy += value * max(0.0, min(until, end) - max(moments[index], begin))
    return energy


def counted(series, begin, end):
    """The energy in J by a counter, read off between its updates; None where no updates lie around the window's ends."""
    # The first value was there before it was read: when it came is not known.
    moments, values = series.moments[1:], series.values[1:]

    def at(time):
        index = bisect.bisect_right(moments, time)
        if index == 0 or index == len(moments):
            return None
        part = (time - moments[index - 1]) / (moments[index] - moments[index - 1])
        return values[index - 1] + part * (values[index] - values[index - 1])

    first, last = at(begin), at(end)
    return None if first is None or last is None else last - first


def ratio(a, b):
    """a / b; None where either is not known or b is not positive."""
    return a / b if a is not None and b is not None and b > 0 else None


def net_ratio(a, idle_a, b, idle_b, seconds):
    """The ratio of two energies less their own idle powers; None where that leaves less than a tenth of the second."""
    if None in (a, idle_a, b, idle_b):
        return None
    rest = b - idle_b * seconds
    return (a - idle_a * seconds) / rest if rest > 0.1 * b else None


def alike(first, second):
    """The share of the second's updates at which the first has the same value; None where there are fewer than 4."""
    moments, values = first.moments, first.values
    checked = same = 0
    for index, (_, at, value) in enumerate(second.changes):
        until = second.changes[index + 1][0] if index + 1 < len(second.changes) else second.end
        # In the middle of its time, where both have been read.
        place = bisect.bisect_right(moments, (at + until) / 2)
        if place:
            checked += 1
            same += values[place - 1] == value
    return same / checked if checked >= 4 else None
