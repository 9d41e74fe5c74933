// The least that a sampler can cost: a thread that sleeps to absolute deadlines, and reads files of one number.
#pragma once
#include <stdint.h>
#include <sys/types.h>

typedef struct bare_loop bare_loop;

// Starts the thread. Notes the times of up to `capacity` wake-ups. NULL with errno.
bare_loop *bare_loop_start(const char *const *paths, int path_count, int64_t interval_ns, int64_t capacity);

// Ends the thread. The wake-ups, in nanoseconds of CLOCK_MONOTONIC, go to `wakeups`, which has room for `capacity`; the
// return value is their number, or -1 if a read failed. Frees everything.
int64_t bare_loop_stop(bare_loop *loop, int64_t *wakeups);

// CPU time of a thread of this process in nanoseconds; -1 if there is no such thread.
int64_t thread_cpu_ns(pid_t thread);
