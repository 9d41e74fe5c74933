// What a fake library plays: a text file of `key=value` lines beside it, read at every call.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int scenario_text(const char *key, char *value, size_t size) {
    Dl_info info;
    char path[4096], line[512];
    if (dladdr((void *)scenario_text, &info) == 0) return 0;
    snprintf(path, sizeof path, "%s.scenario", info.dli_fname);
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    size_t length = strlen(key);
    int found = 0;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, length) != 0 || line[length] != '=') continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(value, size, "%s", line + length + 1);
        found = 1;
    }
    fclose(file);
    return found;
}

static double scenario(const char *key, double otherwise) {
    char text[512];
    return scenario_text(key, text, sizeof text) ? atof(text) : otherwise;
}

// A value of one GPU: `gpu<index>.<key>`.
static double scenario_of(int gpu, const char *key, double otherwise) {
    char name[128];
    snprintf(name, sizeof name, "gpu%d.%s", gpu, key);
    return scenario(name, otherwise);
}

static int64_t set_time;
// The time in nanoseconds from now on; without it the time is the machine's.
void fake_set_time(int64_t nanoseconds) { __atomic_store_n(&set_time, nanoseconds, __ATOMIC_SEQ_CST); }

static double monotonic(void) {
    int64_t set = __atomic_load_n(&set_time, __ATOMIC_SEQ_CST);
    if (set != 0) return (double)set / 1e9;
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Joules since time 0 of a GPU that draws `watts`, and `swing` more in the second half of every `swing_s`; the counter moves
// every `period_s`.
static double joules(int gpu) {
    double period = scenario_of(gpu, "period_s", 0.1), swing_s = scenario_of(gpu, "swing_s", 1);
    double time = floor(monotonic() / period) * period;
    double whole = floor(time / swing_s), part = time - whole * swing_s;
    double high = whole * swing_s / 2 + fmax(0, part - swing_s / 2);
    return scenario_of(gpu, "watts", 100) * time + scenario_of(gpu, "swing", 0) * high;
}

static int calls;
// How often a meter's value, or a GPU by its address, was asked for.
int fake_calls(void) { return __atomic_load_n(&calls, __ATOMIC_SEQ_CST); }
static void count_call(void) { __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST); }
