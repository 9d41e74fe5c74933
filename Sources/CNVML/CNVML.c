#define _GNU_SOURCE
#include "CNVML.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// nvmlPciInfo_t. Its first version ended at pciSubSystemId, and all of them begin alike.
typedef struct {
    char bus_id_legacy[16];
    unsigned int domain;
    unsigned int bus;
    unsigned int device;
    unsigned int pci_device_id;
    unsigned int pci_subsystem_id;
    char bus_id[32];
} PciInfo;

// nvmlProcessInfo_v1_t and _v2_t.
typedef struct {
    unsigned int pid;
    unsigned long long used_memory;
} ProcessInfo1;

typedef struct {
    unsigned int pid;
    unsigned long long used_memory;
    unsigned int gpu_instance;
    unsigned int compute_instance;
} ProcessInfo2;

typedef TWNvmlDevice Device;

struct TWNvml {
    int (*init)(void);
    const char *(*error_string)(int);
    int (*driver_version)(char *, unsigned int);
    int (*count)(unsigned int *);
    int (*device_at)(unsigned int, Device *);
    int (*device_of_pci)(const char *, Device *);
    int (*pci)(Device, PciInfo *);
    int (*name)(Device, char *, unsigned int);
    int (*compute_capability)(Device, int *, int *);
    int (*energy)(Device, unsigned long long *);
    int (*power)(Device, unsigned int *);
    int (*power_limit)(Device, unsigned int *);
    int (*default_power_limit)(Device, unsigned int *);
    int (*power_limit_range)(Device, unsigned int *, unsigned int *);
    int (*clock)(Device, int, unsigned int *);
    int (*temperature)(Device, int, unsigned int *);
    int (*throttle_reasons)(Device, unsigned long long *);
    int (*persistence_mode)(Device, int *);
    int (*mig_mode)(Device, unsigned int *, unsigned int *);
    int (*mig_maximum)(Device, unsigned int *);
    int (*mig_device)(Device, unsigned int, Device *);
    int (*processes1)(Device, unsigned int *, ProcessInfo1 *);
    int (*processes2)(Device, unsigned int *, ProcessInfo2 *);
};

TWNvml *tw_nvml_open(const char *file, char **error) {
    *error = NULL;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *reason = dlerror();
        *error = strdup(reason != NULL ? reason : file);
        return NULL;
    }
    TWNvml *nvml = calloc(1, sizeof *nvml);
    if (nvml == NULL) return NULL;
    // The newest version of each function whose arguments are those above.
#define FIND(member, name) *(void **)&nvml->member = dlsym(library, name)
    FIND(init, "nvmlInit_v2");
    FIND(error_string, "nvmlErrorString");
    FIND(driver_version, "nvmlSystemGetDriverVersion");
    FIND(count, "nvmlDeviceGetCount_v2");
    FIND(device_at, "nvmlDeviceGetHandleByIndex_v2");
    FIND(device_of_pci, "nvmlDeviceGetHandleByPciBusId_v2");
    FIND(pci, "nvmlDeviceGetPciInfo_v3");
    if (nvml->pci == NULL) FIND(pci, "nvmlDeviceGetPciInfo_v2");
    FIND(name, "nvmlDeviceGetName");
    FIND(compute_capability, "nvmlDeviceGetCudaComputeCapability");
    FIND(energy, "nvmlDeviceGetTotalEnergyConsumption");
    FIND(power, "nvmlDeviceGetPowerUsage");
    FIND(power_limit, "nvmlDeviceGetPowerManagementLimit");
    FIND(default_power_limit, "nvmlDeviceGetPowerManagementDefaultLimit");
    FIND(power_limit_range, "nvmlDeviceGetPowerManagementLimitConstraints");
    FIND(clock, "nvmlDeviceGetClockInfo");
    FIND(temperature, "nvmlDeviceGetTemperature");
    FIND(throttle_reasons, "nvmlDeviceGetCurrentClocksEventReasons");
    if (nvml->throttle_reasons == NULL) FIND(throttle_reasons, "nvmlDeviceGetCurrentClocksThrottleReasons");
    FIND(persistence_mode, "nvmlDeviceGetPersistenceMode");
    FIND(mig_mode, "nvmlDeviceGetMigMode");
    FIND(mig_maximum, "nvmlDeviceGetMaxMigDeviceCount");
    FIND(mig_device, "nvmlDeviceGetMigDeviceHandleByIndex");
    FIND(processes1, "nvmlDeviceGetComputeRunningProcesses");
    // Not _v3: its structure had one member more in some of the drivers that brought it.
    FIND(processes2, "nvmlDeviceGetComputeRunningProcesses_v2");
#undef FIND
    if (nvml->init == NULL || nvml->count == NULL || nvml->device_at == NULL || nvml->device_of_pci == NULL ||
        nvml->pci == NULL) {
        if (asprintf(error, "%s is not NVML, or older than version 5", file) < 0) *error = NULL;
        free(nvml);
        dlclose(library);
        return NULL;
    }
    return nvml;
}

#define CALL(function, ...) nvml->function == NULL ? TW_NVML_FUNCTION_NOT_FOUND : nvml->function(__VA_ARGS__)

int tw_nvml_init(const TWNvml *nvml) { return nvml->init(); }

const char *tw_nvml_error_string(const TWNvml *nvml, int status) {
    return nvml->error_string == NULL ? NULL : nvml->error_string(status);
}

int tw_nvml_driver_version(const TWNvml *nvml, char *text, uint32_t length) {
    return CALL(driver_version, text, length);
}

int tw_nvml_count(const TWNvml *nvml, uint32_t *count) { return nvml->count(count); }
int tw_nvml_device_at(const TWNvml *nvml, uint32_t index, Device *device) { return nvml->device_at(index, device); }
int tw_nvml_device_of_pci(const TWNvml *nvml, const char *address, Device *device) {
    return nvml->device_of_pci(address, device);
}

int tw_nvml_pci(const TWNvml *nvml, Device device, TWNvmlPci *pci) {
    PciInfo info = {0};
    int status = nvml->pci(device, &info);
    *pci = (TWNvmlPci){info.domain, info.bus, info.device};
    return status;
}

int tw_nvml_name(const TWNvml *nvml, Device device, char *text, uint32_t length) {
    return CALL(name, device, text, length);
}
int tw_nvml_compute_capability(const TWNvml *nvml, Device device, int *major, int *minor) {
    return CALL(compute_capability, device, major, minor);
}
int tw_nvml_energy(const TWNvml *nvml, Device device, unsigned long long *millijoules) {
    return CALL(energy, device, millijoules);
}
int tw_nvml_power(const TWNvml *nvml, Device device, uint32_t *milliwatts) { return CALL(power, device, milliwatts); }
int tw_nvml_power_limit(const TWNvml *nvml, Device device, uint32_t *milliwatts) {
    return CALL(power_limit, device, milliwatts);
}
int tw_nvml_default_power_limit(const TWNvml *nvml, Device device, uint32_t *milliwatts) {
    return CALL(default_power_limit, device, milliwatts);
}
int tw_nvml_power_limit_range(const TWNvml *nvml, Device device, uint32_t *minimum, uint32_t *maximum) {
    return CALL(power_limit_range, device, minimum, maximum);
}
int tw_nvml_clock(const TWNvml *nvml, Device device, int type, uint32_t *megahertz) {
    return CALL(clock, device, type, megahertz);
}
// NVML_TEMPERATURE_GPU is 0.
int tw_nvml_temperature(const TWNvml *nvml, Device device, uint32_t *celsius) {
    return CALL(temperature, device, 0, celsius);
}
int tw_nvml_throttle_reasons(const TWNvml *nvml, Device device, unsigned long long *reasons) {
    return CALL(throttle_reasons, device, reasons);
}
int tw_nvml_persistence_mode(const TWNvml *nvml, Device device, int *mode) {
    return CALL(persistence_mode, device, mode);
}
int tw_nvml_mig_mode(const TWNvml *nvml, Device device, uint32_t *current, uint32_t *pending) {
    return CALL(mig_mode, device, current, pending);
}
int tw_nvml_mig_maximum(const TWNvml *nvml, Device device, uint32_t *count) {
    return CALL(mig_maximum, device, count);
}
int tw_nvml_mig_device(const TWNvml *nvml, Device device, uint32_t index, Device *mig) {
    return CALL(mig_device, device, index, mig);
}

int tw_nvml_processes(const TWNvml *nvml, Device device, uint32_t *count, TWNvmlProcess *processes) {
    // The library writes records of its own version; what is asked for has room for the larger one.
    uint32_t room = *count;
    ProcessInfo2 *infos = calloc(room > 0 ? room : 1, sizeof *infos);
    if (infos == NULL) return TW_NVML_MEMORY;
    int status = TW_NVML_FUNCTION_NOT_FOUND;
    if (nvml->processes2 != NULL) {
        status = nvml->processes2(device, count, infos);
        for (uint32_t i = 0; status == TW_NVML_SUCCESS && i < *count && i < room; i++)
            processes[i] = (TWNvmlProcess){infos[i].pid, infos[i].used_memory};
    } else if (nvml->processes1 != NULL) {
        ProcessInfo1 *old = (ProcessInfo1 *)infos;
        status = nvml->processes1(device, count, old);
        for (uint32_t i = 0; status == TW_NVML_SUCCESS && i < *count && i < room; i++)
            processes[i] = (TWNvmlProcess){old[i].pid, old[i].used_memory};
    }
    free(infos);
    return status;
}
