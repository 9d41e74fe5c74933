#define _GNU_SOURCE
#include "CAMDSMI.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef TWAmdSmiHandle Handle;

struct TWAmdSmi {
    int (*init)(uint64_t);
    int (*status_string)(int, const char **);
    int (*sockets)(uint32_t *, Handle *);
    int (*processors)(Handle, uint32_t *, Handle *);
    // amdsmi_bdf_t is a union of eight bytes.
    int (*bdf)(Handle, uint64_t *);
    int (*energy)(Handle, uint64_t *, float *, uint64_t *);
};

TWAmdSmi *tw_amdsmi_open(const char *file, char **error) {
    *error = NULL;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *reason = dlerror();
        *error = strdup(reason != NULL ? reason : file);
        return NULL;
    }
    TWAmdSmi *smi = calloc(1, sizeof *smi);
    if (smi == NULL) return NULL;
#define FIND(member, name) *(void **)&smi->member = dlsym(library, name)
    FIND(init, "amdsmi_init");
    FIND(status_string, "amdsmi_status_code_to_string");
    FIND(sockets, "amdsmi_get_socket_handles");
    FIND(processors, "amdsmi_get_processor_handles");
    FIND(bdf, "amdsmi_get_gpu_device_bdf");
    FIND(energy, "amdsmi_get_energy_count");
#undef FIND
    if (smi->init == NULL || smi->sockets == NULL || smi->processors == NULL || smi->bdf == NULL ||
        smi->energy == NULL) {
        if (asprintf(error, "%s is not AMD SMI, or older than ROCm 5.7", file) < 0) *error = NULL;
        free(smi);
        dlclose(library);
        return NULL;
    }
    return smi;
}

// AMDSMI_INIT_AMD_GPUS is 1 << 1.
int tw_amdsmi_init(const TWAmdSmi *smi) { return smi->init(1 << 1); }

const char *tw_amdsmi_status_string(const TWAmdSmi *smi, int status) {
    const char *text = NULL;
    if (smi->status_string == NULL || smi->status_string(status, &text) != TW_AMDSMI_SUCCESS) return NULL;
    return text;
}

int tw_amdsmi_sockets(const TWAmdSmi *smi, uint32_t *count, Handle *handles) { return smi->sockets(count, handles); }
int tw_amdsmi_processors(const TWAmdSmi *smi, Handle socket, uint32_t *count, Handle *handles) {
    return smi->processors(socket, count, handles);
}
int tw_amdsmi_bdf(const TWAmdSmi *smi, Handle processor, uint64_t *bdf) { return smi->bdf(processor, bdf); }
int tw_amdsmi_energy(const TWAmdSmi *smi, Handle processor, uint64_t *accumulator, float *microjoules) {
    uint64_t time = 0;
    return smi->energy(processor, accumulator, microjoules, &time);
}
