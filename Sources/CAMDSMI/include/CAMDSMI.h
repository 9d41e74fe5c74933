// The part of AMD's System Management Interface library that Taskwatt calls, declared here and opened at run time, so that
// no header or library is needed to build. Only calls whose arguments are the same in amdsmi.h from ROCm 5.7 to 7
// are used.
//
// Every call returns an amdsmi_status_t: 0 is success.
#pragma once

#include <stdint.h>

// amdsmi_status_t, as far as Taskwatt tells them apart.
enum {
    TW_AMDSMI_SUCCESS = 0,
    TW_AMDSMI_NOT_SUPPORTED = 2,
    TW_AMDSMI_NOT_YET_IMPLEMENTED = 3,
    TW_AMDSMI_TIMEOUT = 8,
    TW_AMDSMI_RETRY = 9,
    TW_AMDSMI_NO_PERM = 10,
    TW_AMDSMI_INTERRUPT = 11,
    TW_AMDSMI_IO = 12,
    TW_AMDSMI_BUSY = 30,
    TW_AMDSMI_NOT_FOUND = 31,
    TW_AMDSMI_NOT_INIT = 32,
    TW_AMDSMI_DRIVER_NOT_LOADED = 34,
    TW_AMDSMI_NO_DATA = 40,
};

// amdsmi_socket_handle and amdsmi_processor_handle.
typedef void *TWAmdSmiHandle;

// An open library.
typedef struct TWAmdSmi TWAmdSmi;

// Opens a library file, or one that the loader finds by name. Returns NULL and sets `error` (to be freed) if it cannot be
// opened or is not AMD SMI. It is never closed: it keeps threads and files of its own.
TWAmdSmi *_Nullable tw_amdsmi_open(const char *_Nonnull file, char *_Nullable *_Nonnull error);

// For AMD GPUs alone.
int tw_amdsmi_init(const TWAmdSmi *_Nonnull smi);
// NULL where the library has no text for it.
const char *_Nullable tw_amdsmi_status_string(const TWAmdSmi *_Nonnull smi, int status);
// Both take the room in `handles` as `count`, or tell the count if `handles` is NULL.
int tw_amdsmi_sockets(const TWAmdSmi *_Nonnull smi, uint32_t *_Nonnull count,
                      TWAmdSmiHandle _Nullable *_Nullable handles);
int tw_amdsmi_processors(const TWAmdSmi *_Nonnull smi, TWAmdSmiHandle _Nonnull socket, uint32_t *_Nonnull count,
                         TWAmdSmiHandle _Nullable *_Nullable handles);
// amdsmi_bdf_t as a number: function in bits 0 to 2, device 3 to 7, bus 8 to 15, domain above.
int tw_amdsmi_bdf(const TWAmdSmi *_Nonnull smi, TWAmdSmiHandle _Nonnull processor, uint64_t *_Nonnull bdf);
// The accumulator, and how many microjoules one step of it is.
int tw_amdsmi_energy(const TWAmdSmi *_Nonnull smi, TWAmdSmiHandle _Nonnull processor, uint64_t *_Nonnull accumulator,
                     float *_Nonnull microjoules);
