#define _GNU_SOURCE
#include "CBareLoop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct bare_loop {
    pthread_t thread;
    int64_t interval_ns;
    atomic_bool stopped;
    bool failed;
    // The numbers that were read last: a loop whose results nobody has is one that a compiler takes out.
    int64_t *values;
    int *files;
    int file_count;
    int64_t *wakeups;
    int64_t capacity;
    int64_t wakeup_count;
};

static int64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void *run(void *argument) {
    bare_loop *loop = argument;
    int64_t due = monotonic_ns();
    while (!atomic_load_explicit(&loop->stopped, memory_order_relaxed)) {
        struct timespec deadline = {due / 1000000000, due % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR) {
        }
        int64_t now = monotonic_ns();
        if (loop->wakeup_count < loop->capacity) loop->wakeups[loop->wakeup_count++] = now;
        for (int i = 0; i < loop->file_count; i++) {
            char text[32];
            ssize_t count = pread(loop->files[i], text, sizeof text - 1, 0);
            if (count <= 0) {
                loop->failed = true;
                continue;
            }
            text[count] = 0;
            loop->values[i] = strtoll(text, NULL, 10);
        }
        // Deadlines that were missed are left out, as the sampler does.
        due += loop->interval_ns;
        if (due <= now) due += (now - due) / loop->interval_ns * loop->interval_ns + loop->interval_ns;
    }
    return NULL;
}

static void release(bare_loop *loop) {
    for (int i = 0; i < loop->file_count; i++) close(loop->files[i]);
    free(loop->files);
    free(loop->values);
    free(loop->wakeups);
    free(loop);
}

bare_loop *bare_loop_start(const char *const *paths, int path_count, int64_t interval_ns, int64_t capacity) {
    bare_loop *loop = calloc(1, sizeof *loop);
    if (!loop) return NULL;
    loop->interval_ns = interval_ns;
    loop->capacity = capacity;
    loop->files = calloc(path_count, sizeof *loop->files);
    loop->values = calloc(path_count, sizeof *loop->values);
    loop->wakeups = malloc(capacity * sizeof *loop->wakeups);
    int error = loop->files && loop->values && loop->wakeups ? 0 : ENOMEM;
    while (!error && loop->file_count < path_count) {
        int file = open(paths[loop->file_count], O_RDONLY | O_CLOEXEC);
        if (file < 0) error = errno;
        else loop->files[loop->file_count++] = file;
    }
    // Pages that are touched for the first time in the round would be the round's.
    if (!error) memset(loop->wakeups, 0, capacity * sizeof *loop->wakeups);
    if (!error) error = pthread_create(&loop->thread, NULL, run, loop);
    if (error) {
        release(loop);
        errno = error;
        return NULL;
    }
    return loop;
}

int64_t bare_loop_stop(bare_loop *loop, int64_t *wakeups) {
    atomic_store(&loop->stopped, true);
    pthread_join(loop->thread, NULL);
    int64_t count = loop->failed ? -1 : loop->wakeup_count;
    memcpy(wakeups, loop->wakeups, loop->wakeup_count * sizeof *wakeups);
    release(loop);
    return count;
}

int64_t thread_cpu_ns(pid_t thread) {
    // As glibc's pthread_getcpuclockid: CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED of include/linux/posix-timers.h.
    clockid_t clock = (clockid_t)(~(unsigned)thread << 3 | 4 | 2);
    struct timespec time;
    if (clock_gettime(clock, &time) != 0) return -1;
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}
