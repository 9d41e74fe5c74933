// Preloaded into a process: writes down, in their order, all calls that change files and directories, and those that make such changes
// durable, for `power.py` to make of them what a disk may hold after a power cut at any of them. Written down are regular files and
// directories wherever they are, by device and inode; what is under the directory that is tried is picked out afterwards. What goes
// out by sockets and tells of a result is written down too: from then on somebody knows.
//
// One call is made at a time, and written down before the next one, by one write to a file that all processes append to. A call that makes
// something durable is written down when it has come back, one that tells before it is made.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// What a line is about, by `kind`: 
// C a new file: inode, in directory `other` under the name (none for one without a name)
// D a new directory; L another name of a file; S a symbolic link, its target as data
// W data at an offset; T cut or lengthened to `offset` bytes
// F a file or directory made durable
// R a name (in `other`) given to inode, of the name in the data (its directory's inode is `offset`); U a name taken away
// ! something that this cannot write down, with its name; N told of
struct head {
    uint64_t inode, other, offset;
    uint32_t name, data;
    uint32_t kind, reserved;
};

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int record = -1;

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("TORTURE_RECORD");
    if (path) record = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

static void add(char kind, uint64_t inode, uint64_t other, uint64_t offset, const char *name, const struct iovec *data, int count) {
    if (record < 0) return;
    struct head head = {.inode = inode, .other = other, .offset = offset, .kind = (unsigned char)kind};
    struct iovec parts[1026];
    head.name = name ? strlen(name) : 0;
    parts[0] = (struct iovec){&head, sizeof head};
    parts[1] = (struct iovec){(void *)name, head.name};
    for (int i = 0; i < count && i < 1024; i++) {
        parts[2 + i] = data[i];
        head.data += data[i].iov_len;
    }
    if (syscall(SYS_writev, record, parts, 2 + count) != (ssize_t)(sizeof head + head.name + head.data)) _exit(97);
}

static const char *last(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// The inode of the directory that a path's last part is in; 0 where there is none.
static uint64_t parent(int at, const char *path) {
    char way[4096];
    struct stat status;
    size_t length = last(path) - path;
    if (length >= sizeof way) return 0;
    memcpy(way, path, length);
    way[length] = 0;
    int failed = length ? fstatat(at, way, &status, 0) : at == AT_FDCWD ? stat(".", &status) : fstat(at, &status);
    return failed ? 0 : status.st_ino;
}

static uint64_t entry(int at, const char *path) {
    struct stat status;
    return fstatat(at, path, &status, AT_SYMLINK_NOFOLLOW) ? 0 : status.st_ino;
}

// Whether a descriptor is that of a regular file or directory; what else there is has no contents on a disk.
static int kept(int file, struct stat *status) {
    return record >= 0 && file != record && !fstat(file, status) && (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode));
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define BEGIN pthread_mutex_lock(&lock)
#define END \
    do { \
        int error = errno; \
        pthread_mutex_unlock(&lock); \
        errno = error; \
    } while (0)

// ---- Opening

static int opened(int at, const char *path, int flags, mode_t mode, int (*call)(int, const char *, int, mode_t)) {
    if (record < 0 || !(flags & (O_CREAT | O_TRUNC) || (flags & O_TMPFILE) == O_TMPFILE)) return call(at, path, flags, mode);
    BEGIN;
    struct stat before, after;
    int nameless = (flags & O_TMPFILE) == O_TMPFILE;
    int was = nameless ? 0 : !fstatat(at, path, &before, 0);
    int file = call(at, path, flags, mode);
    if (file >= 0 && kept(file, &after) && S_ISREG(after.st_mode)) {
        if (nameless) add('C', after.st_ino, 0, 0, NULL, NULL, 0);
        else if (!was) add('C', after.st_ino, parent(at, path), 0, last(path), NULL, 0);
        else if (flags & O_TRUNC && before.st_size) add('T', after.st_ino, 0, 0, NULL, NULL, 0);
    }
    END;
    return file;
}

#define MODE \
    mode_t mode = 0; \
    if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE) { \
        va_list rest; \
        va_start(rest, flags); \
        mode = va_arg(rest, mode_t); \
        va_end(rest); \
    }

static int by_call(int at, const char *path, int flags, mode_t mode) { return syscall(SYS_openat, at, path, flags, mode); }

int open(const char *path, int flags, ...) { MODE; return opened(AT_FDCWD, path, flags, mode, by_call); }
int open64(const char *path, int flags, ...) { MODE; return opened(AT_FDCWD, path, flags | O_LARGEFILE, mode, by_call); }
int openat(int at, const char *path, int flags, ...) { MODE; return opened(at, path, flags, mode, by_call); }
int openat64(int at, const char *path, int flags, ...) { MODE; return opened(at, path, flags | O_LARGEFILE, mode, by_call); }
int __open_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags, 0, by_call); }
int __open64_2(const char *path, int flags) { return opened(AT_FDCWD, path, flags | O_LARGEFILE, 0, by_call); }
int creat(const char *path, mode_t mode) { return opened(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, by_call); }

// Within the C library names are made up and files opened without the functions above.
#define TEMPORARY(function, declared, given) \
    int function declared { \
        REAL(function); \
        BEGIN; \
        struct stat after; \
        int file = real given; \
        if (file >= 0 && kept(file, &after)) add('C', after.st_ino, parent(AT_FDCWD, path), 0, last(path), NULL, 0); \
        END; \
        return file; \
    }
TEMPORARY(mkstemp, (char *path), (path))
TEMPORARY(mkstemp64, (char *path), (path))
TEMPORARY(mkostemp, (char *path, int flags), (path, flags))
TEMPORARY(mkostemp64, (char *path, int flags), (path, flags))
TEMPORARY(mkstemps, (char *path, int suffix), (path, suffix))
TEMPORARY(mkostemps, (char *path, int suffix, int flags), (path, suffix, flags))

// What streams of C write to is not seen here: reading only is right.
static FILE *stream(const char *path, const char *mode, FILE *(*call)(const char *, const char *)) {
    FILE *file = call(path, mode);
    if (file && !strchr("r", mode[0]) && strncmp(path, "/proc/", 6) && strncmp(path, "/sys/", 5)) add('!', 0, 0, 0, path, NULL, 0);
    return file;
}
FILE *fopen(const char *path, const char *mode) { REAL(fopen); return stream(path, mode, real); }
FILE *fopen64(const char *path, const char *mode) { REAL(fopen64); return stream(path, mode, real); }

// ---- Writing

static ssize_t written(int file, off_t at, const struct iovec *data, int count, ssize_t (*call)(int, off_t, const struct iovec *, int)) {
    struct stat status;
    if (!kept(file, &status)) {
        int type;
        socklen_t size = sizeof type;
        if (record >= 0 && !getsockopt(file, SOL_SOCKET, SO_TYPE, &type, &size))
            for (int i = 0; i < count; i++)
                if (memmem(data[i].iov_base, data[i].iov_len, "\"result\"", 8)) {
                    BEGIN;
                    add('N', 0, 0, 0, NULL, data, count);
                    END;
                    break;
                }
        return call(file, at, data, count);
    }
    BEGIN;
    ssize_t done = call(file, at, data, count);
    if (done > 0) {
        off_t begin = at;
        if (at < 0) begin = lseek(file, 0, SEEK_CUR) - done;
        struct iovec part[1024];
        size_t left = done;
        int used = 0;
        for (; used < count && left; used++) {
            part[used] = data[used];
            if (part[used].iov_len > left) part[used].iov_len = left;
            left -= part[used].iov_len;
        }
        add('W', status.st_ino, 0, begin, NULL, part, used);
    }
    END;
    return done;
}

static ssize_t by_write(int file, off_t at, const struct iovec *data, int count) {
    return count == 1 ? at < 0 ? syscall(SYS_write, file, data->iov_base, data->iov_len)
                               : syscall(SYS_pwrite64, file, data->iov_base, data->iov_len, at)
           : at < 0 ? syscall(SYS_writev, file, data, count)
                    : syscall(SYS_pwritev, file, data, count, at, 0);
}
#define ONE struct iovec one = {(void *)data, size}
ssize_t write(int file, const void *data, size_t size) { ONE; return written(file, -1, &one, 1, by_write); }
ssize_t pwrite(int file, const void *data, size_t size, off_t at) { ONE; return written(file, at, &one, 1, by_write); }
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) { ONE; return written(file, at, &one, 1, by_write); }
ssize_t writev(int file, const struct iovec *data, int count) { return written(file, -1, data, count, by_write); }
ssize_t pwritev(int file, const struct iovec *data, int count, off_t at) { return written(file, at, data, count, by_write); }
ssize_t pwritev64(int file, const struct iovec *data, int count, off64_t at) { return written(file, at, data, count, by_write); }

ssize_t send(int file, const void *data, size_t size, int flags) {
    if (memmem(data, size, "\"result\"", 8)) {
        ONE;
        BEGIN;
        add('N', 0, 0, 0, NULL, &one, 1);
        END;
    }
    return syscall(SYS_sendto, file, data, size, flags, NULL, 0);
}
ssize_t sendmsg(int file, const struct msghdr *message, int flags) {
    for (size_t i = 0; i < message->msg_iovlen; i++)
        if (memmem(message->msg_iov[i].iov_base, message->msg_iov[i].iov_len, "\"result\"", 8)) {
            BEGIN;
            add('N', 0, 0, 0, NULL, message->msg_iov, message->msg_iovlen);
            END;
            break;
        }
    return syscall(SYS_sendmsg, file, message, flags);
}

static int cut(int file, off_t size, int result) {
    struct stat status;
    if (!result && kept(file, &status)) add('T', status.st_ino, 0, size, NULL, NULL, 0);
    return result;
}
int ftruncate(int file, off_t size) { BEGIN; int done = cut(file, size, syscall(SYS_ftruncate, file, size)); END; return done; }
int ftruncate64(int file, off64_t size) { return ftruncate(file, size); }
static int grown(int file, off_t size, int result) {
    struct stat status;
    return !result && kept(file, &status) && status.st_size == size ? cut(file, size, result) : result;
}
int posix_fallocate(int file, off_t at, off_t size) {
    BEGIN;
    int error = syscall(SYS_fallocate, file, 0, at, size) ? errno : 0;
    grown(file, at + size, error);
    END;
    return error;
}
int posix_fallocate64(int file, off64_t at, off64_t size) { return posix_fallocate(file, at, size); }

// What nobody calls here, and would go unseen.
#define UNSEEN(type, function, declared, given) \
    type function declared { \
        REAL(function); \
        add('!', 0, 0, 0, #function, NULL, 0); \
        return real given; \
    }
UNSEEN(int, truncate, (const char *path, off_t size), (path, size))
UNSEEN(int, fallocate, (int file, int mode, off_t at, off_t size), (file, mode, at, size))
UNSEEN(ssize_t, copy_file_range, (int from, off64_t *at, int to, off64_t *there, size_t size, unsigned flags), (from, at, to, there, size, flags))
UNSEEN(int, sync_file_range, (int file, off64_t at, off64_t size, unsigned flags), (file, at, size, flags))
UNSEEN(int, renameat2, (int at, const char *path, int there, const char *new, unsigned flags), (at, path, there, new, flags))

// ---- Making durable

#define DURABLE(function, call) \
    int function(int file) { \
        struct stat status; \
        if (!kept(file, &status)) return syscall(call, file); \
        BEGIN; \
        int done = syscall(call, file); \
        if (!done) add('F', status.st_ino, 0, 0, NULL, NULL, 0); \
        END; \
        return done; \
    }
DURABLE(fsync, SYS_fsync)
DURABLE(fdatasync, SYS_fdatasync)
UNSEEN(int, syncfs, (int file), (file))

// ---- Names

static int named(char kind, int at, const char *path, int result) {
    if (!result) add(kind, entry(at, path), parent(at, path), 0, last(path), NULL, 0);
    return result;
}
int mkdirat(int at, const char *path, mode_t mode) { BEGIN; int done = named('D', at, path, syscall(SYS_mkdirat, at, path, mode)); END; return done; }
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
char *mkdtemp(char *path) { REAL(mkdtemp); BEGIN; char *done = real(path); if (done) named('D', AT_FDCWD, path, 0); END; return done; }

int linkat(int at, const char *path, int there, const char *new, int flags) {
    BEGIN;
    int done = named('L', there, new, syscall(SYS_linkat, at, path, there, new, flags));
    END;
    return done;
}
int link(const char *path, const char *new) { return linkat(AT_FDCWD, path, AT_FDCWD, new, 0); }

int symlinkat(const char *target, int at, const char *path) {
    BEGIN;
    int done = syscall(SYS_symlinkat, target, at, path);
    if (!done) {
        struct iovec one = {(void *)target, strlen(target)};
        add('S', entry(at, path), parent(at, path), 0, last(path), &one, 1);
    }
    END;
    return done;
}
int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

int renameat(int at, const char *path, int there, const char *new) {
    BEGIN;
    uint64_t from = parent(at, path);
    int done = syscall(SYS_renameat, at, path, there, new);
    if (!done) {
        struct iovec one = {(void *)last(path), strlen(last(path))};
        add('R', entry(there, new), parent(there, new), from, last(new), &one, 1);
    }
    END;
    return done;
}
int rename(const char *path, const char *new) { return renameat(AT_FDCWD, path, AT_FDCWD, new); }

int unlinkat(int at, const char *path, int flags) {
    BEGIN;
    uint64_t inode = entry(at, path), directory = parent(at, path);
    int done = syscall(SYS_unlinkat, at, path, flags);
    if (!done) add('U', inode, directory, 0, last(path), NULL, 0);
    END;
    return done;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) { struct stat s; return unlinkat(AT_FDCWD, path, !lstat(path, &s) && S_ISDIR(s.st_mode) ? AT_REMOVEDIR : 0); }
