// System calls that the C library gives no function for, or only a variadic one, which Swift cannot call.
#ifndef TASKWATT_CLINUX_H
#define TASKWATT_CLINUX_H

#include <stdint.h>

// Opens a counting event of a PMU on one CPU, for all processes: perf_event_open(2) with pid -1.
// Returns a file descriptor that is closed on exec, or the negative errno.
int taskwatt_perf_open(uint32_t type, uint64_t config, int cpu);

// Takes the ambient capabilities of the calling thread away, so that the programs that it starts do not have them; its own
// rights stay. capabilities(7), PR_CAP_AMBIENT of prctl(2).
void taskwatt_clear_ambient_capabilities(void);

#endif
