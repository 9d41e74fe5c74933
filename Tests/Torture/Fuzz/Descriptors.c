// Descriptors over a socket, of which there may be none, and more than there is room for: none stays open that nobody was told of.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "CLinux.h"

// The lowest number that is free: the same before and after, where nothing was left open.
static int lowest(void) {
    int descriptor = dup(0);
    close(descriptor);
    return descriptor;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    if (count < 3) return 0;
    int before = lowest(), ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) abort();
    size_t sent = bytes[0], room = bytes[1], length = bytes[2];
    // One more than may be sent at all is refused, and nothing is read of what is not there.
    if (sent > TASKWATT_MOST_DESCRIPTORS + 1) sent = TASKWATT_MOST_DESCRIPTORS + 1;
    int *own = malloc((sent ? sent : 1) * sizeof *own), *received = malloc((room ? room : 1) * sizeof *received);
    if (own == NULL || received == NULL) abort();
    for (size_t n = 0; n < sent; n++) own[n] = ends[n % 2];
    bytes += 3;
    count -= 3;
    if (taskwatt_send_descriptors(ends[0], bytes, count, sent ? own : NULL, sent) > 0) {
        char data[256];
        size_t number = 0;
        ssize_t got = taskwatt_receive_descriptors(ends[1], data, length, room ? received : NULL, room, &number);
        if (got > (ssize_t)length || number > room) abort();
        for (size_t n = 0; n < number; n++) {
            if ((fcntl(received[n], F_GETFD) & FD_CLOEXEC) == 0) abort();
            close(received[n]);
        }
    }
    free(own);
    free(received);
    close(ends[0]);
    close(ends[1]);
    if (lowest() != before) abort();
    return 0;
}
