// A fake of NVML whose GPU draws power while a load runs: the fake of MeteringTests, with sensors that look at a file of pulses.
// `<library>.pulses` holds times of CLOCK_MONOTONIC as doubles, on and off by turns; stub_load.py writes it.
//
// Scenario: gpu0.watts without a load and gpu0.rise more with one; every gpu0.period_s the sensors show the mean of the last
// gpu0.window_s, of a second for the average, and the counter adds what the instant one shows.
#define nvmlDeviceGetPowerUsage other_power
#define nvmlDeviceGetTotalEnergyConsumption other_energy
#define nvmlDeviceGetFieldValues other_field_values
#define nvmlFieldValue_t other_field_value
#define nvmlDeviceGetUUID other_uuid
#include "../../MeteringTests/Fixtures/nvml.c"
#undef nvmlDeviceGetPowerUsage
#undef nvmlDeviceGetTotalEnergyConsumption
#undef nvmlDeviceGetFieldValues
#undef nvmlFieldValue_t
#undef nvmlDeviceGetUUID

enum { MOST_TIMES = 1 << 20 };
static double *pulse_times;
static size_t pulse_count;
static FILE *pulse_file;

// Reads what has come. Pieces that follow each other at once are one pulse.
static void read_pulses(void) {
    Dl_info info;
    char path[4096];
    double time;
    if (pulse_times == NULL) pulse_times = malloc(MOST_TIMES * sizeof *pulse_times);
    if (pulse_file == NULL && dladdr((void *)read_pulses, &info) != 0) {
        snprintf(path, sizeof path, "%s.pulses", info.dli_fname);
        pulse_file = fopen(path, "rbe");
    }
    if (pulse_file == NULL || pulse_times == NULL) return;
    clearerr(pulse_file);
    while (pulse_count + 1 < MOST_TIMES && fread(&time, sizeof time, 1, pulse_file) == 1) {
        if (pulse_count > 0 && pulse_count % 2 == 0 && time - pulse_times[pulse_count - 1] < 1e-3)
            pulse_count--;
        else
            pulse_times[pulse_count++] = time;
    }
}

// Seconds of load between two times. The last pulse may still be on.
static double load_between(double begin, double end) {
    double sum = 0;
    // The latest come first: who asks wants the last moments.
    for (size_t i = (pulse_count + 1) / 2; i-- > 0;) {
        double on = pulse_times[2 * i], off = 2 * i + 1 < pulse_count ? pulse_times[2 * i + 1] : INFINITY;
        if (off <= begin) break;
        sum += fmax(0, fmin(off, end) - fmax(on, begin));
    }
    return sum;
}

static double shown(double update, double window) {
    return scenario_of(0, "watts", 80) + scenario_of(0, "rise", 500) * load_between(update - window, update) / window;
}

static double last_update(void) {
    double period = scenario_of(0, "period_s", 0.1);
    return floor(monotonic() / period) * period;
}

static double instant(void) { return shown(last_update(), scenario_of(0, "window_s", 0.1)); }
static double average(void) { return shown(last_update(), 1); }

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *milliwatts) {
    (void)device;
    read_pulses();
    *milliwatts = (unsigned int)(average() * 1000);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *millijoules) {
    static double counted_to, joules_of_load;
    (void)device;
    read_pulses();
    double period = scenario_of(0, "period_s", 0.1), window = scenario_of(0, "window_s", 0.1), now = last_update();
    if (counted_to == 0) counted_to = pulse_count > 0 ? floor(pulse_times[0] / period) * period : now;
    double rise = scenario_of(0, "rise", 500);
    // By its number, for a sum of periods drifts.
    for (double number = round(counted_to / period) + 1; number * period < now + period / 2; number++)
        joules_of_load += rise * load_between(number * period - window, number * period) / window * period;
    counted_to = now;
    *millijoules = (unsigned long long)((scenario_of(0, "watts", 80) * now + joules_of_load) * 1000);
    return SUCCESS;
}

typedef struct {
    unsigned int fieldId, scopeId;
    long long timestamp, latencyUsec;
    int valueType;
    nvmlReturn_t nvmlReturn;
    union {
        double dVal;
        unsigned int uiVal;
        unsigned long long ullVal;
    } value;
} nvmlFieldValue_t;

// NVML_FI_DEV_POWER_AVERAGE and NVML_FI_DEV_POWER_INSTANT, in milliwatts as unsigned int.
nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int valuesCount, nvmlFieldValue_t *values) {
    (void)device;
    read_pulses();
    for (int i = 0; i < valuesCount; i++) {
        int known = values[i].fieldId == 185 || values[i].fieldId == 186;
        values[i].nvmlReturn = known ? SUCCESS : NOT_SUPPORTED;
        values[i].valueType = 1;
        if (known) values[i].value.uiVal = (unsigned int)((values[i].fieldId == 185 ? average() : instant()) * 1000);
    }
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length) {
    (void)device;
    snprintf(uuid, length, "GPU-00000000-0000-0000-0000-000000000000");
    return SUCCESS;
}
