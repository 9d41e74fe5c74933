// A fake of NVIDIA's Management Library, by nvml.h of CUDA 13. OLD leaves out what came after NVML 5; NOT_NVML leaves out all.
#include "scenario.h"

typedef int nvmlReturn_t;
// A handle is good for one generation: a GPU that was lost and came back has another.
typedef struct {
    int index, generation;
} Device, *nvmlDevice_t;

typedef struct {
    char busIdLegacy[16];
    unsigned int domain, bus, device, pciDeviceId, pciSubSystemId;
    char busId[32];
} nvmlPciInfo_t;

enum {
    SUCCESS = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    INSUFFICIENT_SIZE = 7,
    GPU_IS_LOST = 15
};

static Device devices[2][16];
// What `epoch` was when the library was initialised, and one; a driver that is loaded anew has another epoch.
static int initialised;
#define READY (initialised == 1 + (int)scenario("epoch", 0))

#ifndef NOT_NVML
nvmlReturn_t nvmlInit_v2(void) {
    nvmlReturn_t status = (nvmlReturn_t)scenario("init", SUCCESS);
    if (status == SUCCESS) initialised = 1 + (int)scenario("epoch", 0);
    return status;
}

const char *nvmlErrorString(nvmlReturn_t result) { return result == 15 ? "GPU is lost" : "Unknown Error"; }

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count) {
    if (!READY) return UNINITIALIZED;
    *count = (unsigned int)scenario("count", 1);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) {
    if (!READY) return UNINITIALIZED;
    if (index >= scenario("count", 1)) return INVALID_ARGUMENT;
    nvmlReturn_t status = (nvmlReturn_t)scenario_of((int)index, "handle", SUCCESS);
    int generation = (int)scenario("generation", 0);
    devices[generation][index] = (Device){(int)index, generation};
    if (status == SUCCESS) *device = &devices[generation][index];
    return status;
}

// Bus numbers are 0x10 and up by the index.
nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *id, nvmlDevice_t *device) {
    unsigned int domain, bus, slot, function;
    count_call();
    if (!READY) return UNINITIALIZED;
    if (sscanf(id, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4) return INVALID_ARGUMENT;
    if (bus < 0x10 || bus - 0x10 >= scenario("count", 1)) return NOT_FOUND;
    return nvmlDeviceGetHandleByIndex_v2(bus - 0x10, device);
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *pci) {
    memset(pci, 0, sizeof *pci);
    pci->domain = (unsigned int)scenario_of(device->index, "domain", 0);
    pci->bus = 0x10 + (unsigned int)device->index;
    pci->pciDeviceId = 0x233010de;
    snprintf(pci->busId, sizeof pci->busId, "%08X:%02X:00.0", pci->domain, pci->bus);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length) {
    (void)device;
    snprintf(name, length, "NVIDIA Fake");
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *milliwatts) {
    count_call();
    nvmlReturn_t status = (nvmlReturn_t)scenario_of(device->index, "power", SUCCESS);
    *milliwatts = (unsigned int)(scenario_of(device->index, "watts", 100) * 1000);
    return status;
}

nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t device, unsigned int *least, unsigned int *most) {
    double watts = scenario_of(device->index, "max_limit", 0);
    *least = 0;
    *most = (unsigned int)(watts * 1000);
    return watts > 0 ? SUCCESS : NOT_SUPPORTED;
}

nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t device, int *mode) {
    (void)device;
    *mode = 1;
    return SUCCESS;
}

#ifndef OLD
nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length) {
    snprintf(version, length, "580.82.07");
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
    *major = (int)scenario_of(device->index, "major", 9);
    *minor = (int)scenario_of(device->index, "minor", 0);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *millijoules) {
    count_call();
    nvmlReturn_t status = (nvmlReturn_t)scenario_of(device->index, "energy", SUCCESS);
    if (device->generation != (int)scenario("generation", 0)) return GPU_IS_LOST;
    if (status == SUCCESS) *millijoules = (unsigned long long)(joules(device->index) * 1000);
    return status;
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current, unsigned int *pending) {
    double mig = scenario_of(device->index, "mig", -1);
    *current = *pending = mig >= 0;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count) {
    (void)device;
    *count = 7;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index, nvmlDevice_t *mig) {
    if (index >= scenario_of(device->index, "mig", 0)) return NOT_FOUND;
    *mig = device;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPowerManagementLimit(nvmlDevice_t device, unsigned int *milliwatts) {
    (void)device;
    *milliwatts = 500000;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t device, unsigned int *milliwatts) {
    (void)device;
    *milliwatts = 700000;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, int type, unsigned int *megahertz) {
    (void)device;
    *megahertz = type == 1 ? 1980 : type == 2 ? 2619 : 1;
    return type == 1 || type == 2 ? SUCCESS : INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned int *celsius) {
    (void)device;
    *celsius = 41;
    return sensor == 0 ? SUCCESS : INVALID_ARGUMENT;
}

// GPU idle, software power cap, hardware thermal slowdown.
nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long *reasons) {
    (void)device;
    *reasons = 0x1 | 0x4 | 0x40;
    return SUCCESS;
}

typedef struct {
    unsigned int pid;
    unsigned long long usedGpuMemory;
    unsigned int gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_v2_t;

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t device, unsigned int *count,
                                                     nvmlProcessInfo_v2_t *infos) {
    unsigned int running = (unsigned int)scenario_of(device->index, "processes", 0), room = *count;
    *count = running;
    if (room < running) return INSUFFICIENT_SIZE;
    for (unsigned int i = 0; i < running; i++)
        infos[i] = (nvmlProcessInfo_v2_t){1000 + i, i == 0 ? ~0ULL : (unsigned long long)i << 20, ~0U, ~0U};
    return SUCCESS;
}
#endif
#endif
