// Tells the thread sanitizer of Swift's Mutex. A lock that nobody else has is taken by an atomic operation in the code that uses it, which the
// sanitizer sees. One that somebody has is waited for in libswiftSynchronization, which is not built for the sanitizer and asks the kernel
// (FUTEX_LOCK_PI): without this, whatever was ordered by such a wait is a false report. The word that is locked is where both meet.
//
// It is loaded before the program, by LD_PRELOAD; of programs that know neither Swift nor the sanitizer it does nothing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define SELF __attribute__((swift_context)) void *mutex
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

__attribute__((swiftcall)) void lock(uint32_t thread, SELF) __asm__(LOCK);
__attribute__((swiftcall)) void unlock(SELF) __asm__(UNLOCK);

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    // Without it nothing could be locked.
    if (found == NULL) abort();
    return found;
}

__attribute__((swiftcall)) void lock(uint32_t thread, SELF) {
    static __attribute__((swiftcall)) void (*real)(uint32_t, SELF);
    if (real == NULL) *(void **)&real = next(LOCK);
    real(thread, mutex);
    if (__tsan_acquire) __tsan_acquire(mutex);
}

__attribute__((swiftcall)) void unlock(SELF) {
    static __attribute__((swiftcall)) void (*real)(SELF);
    if (real == NULL) *(void **)&real = next(UNLOCK);
    if (__tsan_release) __tsan_release(mutex);
    real(mutex);
}
