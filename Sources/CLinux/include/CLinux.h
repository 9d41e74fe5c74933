// System calls that the C library gives no function for, or one that Swift cannot call.
#ifndef TASKWATT_CLINUX_H
#define TASKWATT_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Opens a counting event of a PMU on one CPU, for all processes: perf_event_open(2) with pid -1.
// Returns a file descriptor that is closed on exec, or the negative errno.
int taskwatt_perf_open(uint32_t type, uint64_t config, int cpu);

// Takes the ambient capabilities of the calling thread away, so that the programs that it starts do not have them; its own
// rights stay. capabilities(7), PR_CAP_AMBIENT of prctl(2).
void taskwatt_clear_ambient_capabilities(void);

// Gives up what the calling process has by its program's file and its caller has not: capabilities, another user. Nothing
// where the file gives nothing. Returns 0, or -1 with errno. capabilities(7), AT_SECURE of getauxval(3).
int taskwatt_drop_gained_rights(void);

// Names the thread that calls it, and the process, if that is its first one, as `ps` shows it: the first 15 bytes. PR_SET_NAME of prctl(2).
void taskwatt_name_process(const char *name);

// A pipe that is closed on exec: pipe2(2), which Swift does not see. Returns 0, or -1 with errno.
int taskwatt_pipe(int ends[2]);

// The most descriptors in one message of the two functions below.
#define TASKWATT_MOST_DESCRIPTORS 8

// Sends bytes on a Unix socket, and open descriptors with them: unix(7), SCM_RIGHTS, whose macros Swift does not have.
// Returns how many bytes were sent, or the negative errno; no SIGPIPE.
ssize_t taskwatt_send_descriptors(int socket, const void *bytes, size_t count, const int *descriptors, size_t most);

// Receives bytes, and the descriptors that came with them, which are closed on exec; those over `most` are closed at once.
// Returns how many bytes came, 0 at the end, or the negative errno.
ssize_t taskwatt_receive_descriptors(
    int socket, void *bytes, size_t count, int *descriptors, size_t most, size_t *received);

#endif
