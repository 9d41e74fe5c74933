"""The analysis against sensors whose period and window are known."""

import random
import unittest

from simulated import IDLE_W, LOAD_W, Sensor, read, square

from gpu_check import analysis


def loads(period):
    """Loads around a sensor's period, and a long one, in windows of their own: (pulses, windows)."""
    pulses, windows, time = [], [], 100.0
    for load, duty in ((10, 1.0), (0.618 * period, 0.5), (1.272 * period, 0.5), (1.618 * period, 0.5), (2.618 * period, 0.5)):
        pulses += square(time + 1.2, time + 4.2, load, duty)
        windows.append((time, time + 5.4))
        time += 5.5
    return pulses, windows


class UpdatePeriod(unittest.TestCase):
    def test_periods_from_10_ms_to_a_second(self):
        for period in (0.01, 0.02, 0.05, 0.1, 1.0):
            series = Sensor(period, period, phase=0.0137).power(square(101, 111, 3, 0.5), 100, 112)
            found = analysis.update_period(series)
            self.assertAlmostEqual(found["period_s"] / period, 1, delta=0.01)
            self.assertLess(found["spread_s"], 0.001)
            self.assertFalse(found["is_upper_bound"])

    def test_updates_that_repeat_the_value_are_no_change(self):
        chance, time, readings = random.Random(3), 0.0, []
        value = 80.0
        for number in range(2000):
            if number % 10 == 0 and chance.random() < 0.6:
                value = 200.0 - value
            readings.append((number * 0.01, value))
        found = analysis.update_period(analysis.Series.of(readings))
        self.assertAlmostEqual(found["period_s"], 0.1, delta=0.002)

    def test_reads_that_were_held_up_do_not_count(self):
        sensor = Sensor(0.1, 0.1, phase=0.0137)
        updates = sensor.updates(square(101, 111, 3, 0.5), 100, 112)
        chance = random.Random(4)
        readings, time, place = [], 100.0, 0
        while time < 111:
            while place + 1 < len(updates) and updates[place + 1][0] <= time:
                place += 1
            readings.append((time, updates[place][1]))
            time += 0.25 if chance.random() < 0.005 else 0.001
        found = analysis.update_period(analysis.Series.of(readings))
        self.assertAlmostEqual(found["period_s"], 0.1, delta=0.002)

    def test_a_sensor_faster_than_the_reading_is_an_upper_bound(self):
        series = Sensor(0.001, 0.001).power(square(100, 103, 0.5, 0.5), 100, 103)
        self.assertTrue(analysis.update_period(series)["is_upper_bound"])

    def test_a_value_that_does_not_move_has_none(self):
        self.assertIsNone(analysis.update_period(analysis.Series.of([(n * 0.001, 80.0) for n in range(5000)])))
        self.assertIsNone(analysis.update_period(analysis.Series.of([])))
        self.assertIsNone(analysis.update_period())


class AveragingWindow(unittest.TestCase):
    # Period, window, lag: A100 and H100 as the paper found them, older ones, the field that averages over a second.
    SENSORS = (
        (0.1, 0.025, 0.0), (0.1, 0.025, 0.075), (0.1, 0.1, 0.0), (0.1, 1.0, 0.0), (0.02, 0.02, 0.0), (0.02, 0.005, 0.01),
    )

    def test_of_powers_and_of_counters(self):
        for period, window, lag in self.SENSORS:
            pulses, windows = loads(period)
            for name in ("power", "energy"):
                sensor = Sensor(period, window, lag, phase=0.0137)
                series = [getattr(sensor, name)(pulses, begin, end) for begin, end in windows]
                found = analysis.update_period(*series)["period_s"]
                points = []
                for one in series:
                    points += analysis.energy_points(one, found) if name == "energy" else analysis.power_points(one, found)
                fit = analysis.averaging_window(points, pulses, found, 0.001)
                with self.subTest(period=period, window=window, lag=lag, by=name):
                    self.assertAlmostEqual(fit["window_s"] / window, 1, delta=0.06)
                    self.assertLessEqual(fit["low_s"], fit["window_s"])
                    self.assertGreaterEqual(fit["high_s"], fit["window_s"])
                    self.assertAlmostEqual(fit["lag_s"], lag, delta=0.05 * max(period, window))
                    self.assertAlmostEqual(fit["share"], min(1, window / period), delta=0.05)
                    self.assertAlmostEqual(fit["idle_w"], IDLE_W, delta=0.03 * LOAD_W)
                    self.assertAlmostEqual(fit["load_w"], LOAD_W, delta=0.03 * LOAD_W)
                    self.assertGreater(fit["r2"], 0.99)

    def test_noise_widens_the_range(self):
        pulses, windows = loads(0.1)
        widths = []
        for noise in (0.3, 60):
            sensor = Sensor(0.1, 0.025, noise=noise)
            points = [point for begin, end in windows for point in analysis.power_points(sensor.power(pulses, begin, end), 0.1)]
            fit = analysis.averaging_window(points, pulses, 0.1, 0.001)
            widths.append(fit["high_s"] - fit["low_s"])
            self.assertTrue(fit["low_s"] <= 0.025 <= fit["high_s"], fit)
        self.assertGreater(widths[1], 2 * widths[0])

    def test_without_a_load_there_is_nothing_to_fit(self):
        flat = [(n * 0.1, 80.0) for n in range(100)]
        self.assertIsNone(analysis.averaging_window(flat, [], 0.1))
        self.assertIsNone(analysis.averaging_window(flat, [[2, 3]], 0.1))
        self.assertIsNone(analysis.averaging_window([], [[2, 3]], 0.1))
        # Power that falls when the load begins is another's.
        falling = [(n * 0.1, 80.0 if 20 < n < 60 else 90.0) for n in range(100)]
        self.assertIsNone(analysis.averaging_window(falling, [[2, 6]], 0.1))


class Energy(unittest.TestCase):
    def test_a_sensor_that_sees_all_agrees_with_the_truth(self):
        pulses = square(101.2, 109.2, 0.0618, 0.25)
        truth = IDLE_W * 10 + (LOAD_W - IDLE_W) * sum(off - on for on, off in pulses)
        for period in (0.02, 0.1):
            sensor = Sensor(period, period, noise=0)
            power = analysis.integral(sensor.power(pulses, 99, 112), 100, 110)
            counter = analysis.counted(sensor.energy(pulses, 99, 112), 100, 110)
            self.assertAlmostEqual(power / truth, 1, delta=0.01)
            self.assertAlmostEqual(counter / truth, 1, delta=0.01)

    def test_a_part_time_sensor_errs_at_its_own_period(self):
        pulses = square(101.2, 109.2, 0.1, 0.25)
        truth = IDLE_W * 10 + (LOAD_W - IDLE_W) * sum(off - on for on, off in pulses)
        # The quarter that it looks at is the one with the load.
        seen = analysis.integral(Sensor(0.1, 0.025, phase=0.025, noise=0).power(pulses, 99, 112), 100, 110)
        self.assertGreater(seen / truth, 1.5)

    def test_a_window_that_was_not_read_has_no_energy(self):
        series = Sensor(0.1, 0.1).energy([], 100, 102)
        for begin, end in ((99, 101), (101, 103), (100.0, 100.01)):
            self.assertIsNone(analysis.counted(series, begin, end))
        self.assertIsNone(analysis.integral(series, 99, 101))
        self.assertIsNone(analysis.integral(series, 101, 103))

    def test_ratios_of_what_is_not_known(self):
        self.assertIsNone(analysis.ratio(None, 1))
        self.assertIsNone(analysis.ratio(1, 0))
        self.assertEqual(analysis.ratio(3, 2), 1.5)
        self.assertAlmostEqual(analysis.net_ratio(150, 10, 200, 10, 5), 100 / 150)
        # Nothing but idle power is in it.
        self.assertIsNone(analysis.net_ratio(51, 10, 52, 10, 5))


class Alike(unittest.TestCase):
    def test_two_names_of_one_sensor(self):
        pulses = square(101, 105, 1, 0.5)
        one = Sensor(0.1, 1.0).updates(pulses, 100, 106)
        other = Sensor(0.1, 0.025, seed=2).updates(pulses, 100, 106)
        chance = random.Random(5)
        first, second, third = (read(updates, 100, 106, 0.001, chance) for updates in (one, one, other))
        self.assertGreater(analysis.alike(first, second), 0.95)
        self.assertLess(analysis.alike(first, third), 0.2)


if __name__ == "__main__":
    unittest.main()
