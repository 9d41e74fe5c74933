"""A GPU whose sensors are known, on a clock that only the tests move."""

import pathlib
import random
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from gpu_check import analysis  # noqa: E402

IDLE_W, LOAD_W = 80.0, 600.0


def square(begin, end, period, duty):
    """Pulses of duty × period, one a period."""
    pulses, number = [], 0
    while begin + number * period < end:
        on = begin + number * period
        pulses.append([on, min(end, on + duty * period)])
        number += 1
    return pulses


class Sensor:
    """Shows every `period` the mean power of the last `window`, as it was `lag` ago."""

    def __init__(self, period, window, lag=0.0, phase=0.0, noise=0.3, seed=1):
        self.period, self.window, self.lag, self.phase = period, window, lag, phase
        self.noise, self.chance = noise, random.Random(seed)

    def updates(self, pulses, begin, end):
        load = analysis.Pulses(sorted(pulses))
        first = int((begin - self.phase) / self.period) - 1
        found = []
        for number in range(first, int((end - self.phase) / self.period) + 2):
            time = self.phase + number * self.period
            share = load.share(time - self.lag - self.window, time - self.lag)
            watts = IDLE_W + (LOAD_W - IDLE_W) * share + self.chance.gauss(0, self.noise)
            found.append((time, round(watts, 3)))
        return found

    def power(self, pulses, begin, end, step=0.001):
        return read(self.updates(pulses, begin, end), begin, end, step, self.chance)

    def energy(self, pulses, begin, end, step=0.001):
        """A counter that adds up what the sensor sees, and says so at each of its updates."""
        total, found = 1000.0, []
        for time, watts in self.updates(pulses, begin, end):
            total += watts * self.period
            found.append((time, round(total, 3)))
        return read(found, begin, end, step, self.chance)


def read(updates, begin, end, step, chance):
    """What reads every `step`, not quite on time, give of values that change at their moments."""
    readings, place, time = [], 0, begin
    while time <= end:
        while place + 1 < len(updates) and updates[place + 1][0] <= time:
            place += 1
        readings.append((time, updates[place][1]))
        time += step * chance.uniform(0.8, 1.2)
    readings.append((end, updates[place][1] if place + 1 == len(updates) or updates[place + 1][0] > end else updates[place + 1][1]))
    return analysis.Series.of(readings)
