// The part of NVIDIA's Management Library that Taskwatt calls, declared here and opened at run time, so that no header or
// library is needed to build. Names, types and numbers are those of nvml.h (NVML API reference, CUDA 13).
//
// Every call returns an nvmlReturn_t: 0 is success. A function that this version of the library does not have returns
// TW_NVML_FUNCTION_NOT_FOUND, as the library itself does for one that the driver lacks.
#pragma once

#include <stdint.h>

// nvmlReturn_t, as far as Taskwatt tells them apart.
enum {
    TW_NVML_SUCCESS = 0,
    TW_NVML_UNINITIALIZED = 1,
    TW_NVML_NOT_SUPPORTED = 3,
    TW_NVML_NO_PERMISSION = 4,
    TW_NVML_NOT_FOUND = 6,
    TW_NVML_INSUFFICIENT_SIZE = 7,
    TW_NVML_INSUFFICIENT_POWER = 8,
    TW_NVML_DRIVER_NOT_LOADED = 9,
    TW_NVML_TIMEOUT = 10,
    TW_NVML_IRQ_ISSUE = 11,
    TW_NVML_FUNCTION_NOT_FOUND = 13,
    TW_NVML_GPU_IS_LOST = 15,
    TW_NVML_RESET_REQUIRED = 16,
    TW_NVML_OPERATING_SYSTEM = 17,
    TW_NVML_VERSION_MISMATCH = 18,
    TW_NVML_IN_USE = 19,
    TW_NVML_MEMORY = 20,
    TW_NVML_UNKNOWN = 999,
};

// nvmlClockType_t.
enum { TW_NVML_CLOCK_SM = 1, TW_NVML_CLOCK_MEMORY = 2 };

// nvmlDevice_t, a handle of the library.
typedef void *TWNvmlDevice;

// The numbers of nvmlPciInfo_t.
typedef struct {
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
} TWNvmlPci;

typedef struct {
    uint32_t pid;
    // Bytes; UINT64_MAX where the driver does not tell (NVML_VALUE_NOT_AVAILABLE).
    uint64_t memory;
} TWNvmlProcess;

// An open library.
typedef struct TWNvml TWNvml;

// Opens a library file, or one that the loader finds by name. Returns NULL and sets `error` (to be freed) if it cannot be
// opened or is not NVML. It is never closed: the driver's libraries do not stand that.
TWNvml *_Nullable tw_nvml_open(const char *_Nonnull file, char *_Nullable *_Nonnull error);

int tw_nvml_init(const TWNvml *_Nonnull nvml);
// NULL where the library has no text for it.
const char *_Nullable tw_nvml_error_string(const TWNvml *_Nonnull nvml, int status);
int tw_nvml_driver_version(const TWNvml *_Nonnull nvml, char *_Nonnull text, uint32_t length);
int tw_nvml_count(const TWNvml *_Nonnull nvml, uint32_t *_Nonnull count);
int tw_nvml_device_at(const TWNvml *_Nonnull nvml, uint32_t index, TWNvmlDevice _Nullable *_Nonnull device);
int tw_nvml_device_of_pci(const TWNvml *_Nonnull nvml, const char *_Nonnull address,
                          TWNvmlDevice _Nullable *_Nonnull device);

int tw_nvml_pci(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, TWNvmlPci *_Nonnull pci);
int tw_nvml_name(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, char *_Nonnull text, uint32_t length);
int tw_nvml_compute_capability(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, int *_Nonnull major,
                               int *_Nonnull minor);
// Millijoules since the driver was loaded.
int tw_nvml_energy(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, unsigned long long *_Nonnull millijoules);
// Milliwatts.
int tw_nvml_power(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, uint32_t *_Nonnull milliwatts);
int tw_nvml_power_limit(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, uint32_t *_Nonnull milliwatts);
int tw_nvml_default_power_limit(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device,
                                uint32_t *_Nonnull milliwatts);
int tw_nvml_power_limit_range(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, uint32_t *_Nonnull minimum,
                              uint32_t *_Nonnull maximum);
// MHz.
int tw_nvml_clock(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, int type, uint32_t *_Nonnull megahertz);
// Degrees Celsius of the GPU's die.
int tw_nvml_temperature(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, uint32_t *_Nonnull celsius);
// Bits of nvmlClocksEventReasons.
int tw_nvml_throttle_reasons(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device,
                             unsigned long long *_Nonnull reasons);
// 0 is off, 1 is on.
int tw_nvml_persistence_mode(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, int *_Nonnull mode);
int tw_nvml_mig_mode(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, uint32_t *_Nonnull current,
                     uint32_t *_Nonnull pending);
// How many MIG devices the GPU can have, and one of them; TW_NVML_NOT_FOUND where there is none at that index.
int tw_nvml_mig_maximum(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, uint32_t *_Nonnull count);
int tw_nvml_mig_device(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, uint32_t index,
                       TWNvmlDevice _Nullable *_Nonnull mig);
// Takes the room in `processes` as `count` and returns how many there are.
int tw_nvml_processes(const TWNvml *_Nonnull nvml, TWNvmlDevice _Nonnull device, uint32_t *_Nonnull count,
                      TWNvmlProcess *_Nonnull processes);
