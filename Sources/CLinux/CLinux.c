#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int taskwatt_perf_open(uint32_t type, uint64_t config, int cpu) {
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = type;
    attributes.config = config;
    long descriptor = syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    return descriptor < 0 ? -errno : (int)descriptor;
}

void taskwatt_clear_ambient_capabilities(void) { prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); }

int taskwatt_drop_gained_rights(void) {
    if (getauxval(AT_SECURE) == 0) return 0;
    if (setresgid(getgid(), getgid(), getgid()) != 0 || setresuid(getuid(), getuid(), getuid()) != 0) return -1;
    if (getuid() == 0) return 0;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return (int)syscall(SYS_capset, &header, none);
}

void taskwatt_name_process(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

int taskwatt_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

ssize_t taskwatt_send_descriptors(int socket, const void *bytes, size_t count, const int *descriptors, size_t most) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(TASKWATT_MOST_DESCRIPTORS * sizeof(int))];
    } control;
    if (most > TASKWATT_MOST_DESCRIPTORS) return -EINVAL;
    memset(&control, 0, sizeof control);
    struct iovec data = {(void *)bytes, count};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    // Of none there may be no place either.
    if (most > 0) {
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE(most * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(most * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, most * sizeof(int));
    }
    ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

ssize_t taskwatt_receive_descriptors(
    int socket, void *bytes, size_t count, int *descriptors, size_t most, size_t *received) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(TASKWATT_MOST_DESCRIPTORS * sizeof(int))];
    } control;
    *received = 0;
    if (most > TASKWATT_MOST_DESCRIPTORS) return -EINVAL;
    struct iovec data = {bytes, count};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.room};
    message.msg_controllen = CMSG_SPACE(most * sizeof(int));
    ssize_t length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (length < 0) return -errno;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t number = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t n = 0; n < number; n++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + n * sizeof(int), sizeof descriptor);
            if (*received < most)
                descriptors[(*received)++] = descriptor;
            else
                close(descriptor);
        }
    }
    return length;
}
