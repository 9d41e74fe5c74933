// A fake of AMD's System Management Interface library, by amdsmi.h of ROCm 5.7 to 7.
#include "scenario.h"

typedef int amdsmi_status_t;
typedef void *amdsmi_socket_handle;
typedef void *amdsmi_processor_handle;

typedef union {
    struct {
        uint64_t function_number : 3;
        uint64_t device_number : 5;
        uint64_t bus_number : 8;
        uint64_t domain_number : 48;
    } fields;
    uint64_t as_uint;
} amdsmi_bdf_t;

enum { SUCCESS = 0, INVAL = 1, NOT_FOUND = 31, NOT_INIT = 32 };

// Each GPU is a socket of two partitions, which share its address. A handle is good for one generation: a GPU that was lost
// and came back has another.
static int sockets[16], partitions[2][16][2];
static int initialised;

amdsmi_status_t amdsmi_init(uint64_t flags) {
    amdsmi_status_t status = (amdsmi_status_t)scenario("init", SUCCESS);
    if (status == SUCCESS) initialised = flags == 2;
    return status;
}

amdsmi_status_t amdsmi_status_code_to_string(amdsmi_status_t status, const char **text) {
    if (status != 18) return INVAL;
    *text = "AMDSMI_STATUS_INIT_ERROR";
    return SUCCESS;
}

static amdsmi_status_t list(uint32_t *count, uint32_t there, void **handles, int *first) {
    if (handles == NULL) {
        *count = there;
        return SUCCESS;
    }
    if (*count > there) *count = there;
    for (uint32_t i = 0; i < *count; i++) handles[i] = &first[i];
    return SUCCESS;
}

amdsmi_status_t amdsmi_get_socket_handles(uint32_t *count, amdsmi_socket_handle *handles) {
    if (!initialised) return NOT_INIT;
    return list(count, (uint32_t)scenario("count", 1), handles, sockets);
}

amdsmi_status_t amdsmi_get_processor_handles(amdsmi_socket_handle socket, uint32_t *count,
                                             amdsmi_processor_handle *handles) {
    return list(count, 2, handles, partitions[(int)scenario("generation", 0)][(int *)socket - sockets]);
}

static int place(amdsmi_processor_handle processor) { return (int)((int *)processor - &partitions[0][0][0]); }
static int gpu_of(amdsmi_processor_handle processor) { return place(processor) / 2 % 16; }
static int is_first(amdsmi_processor_handle processor) { return place(processor) % 2 == 0; }

amdsmi_status_t amdsmi_get_gpu_device_bdf(amdsmi_processor_handle processor, amdsmi_bdf_t *bdf) {
    bdf->as_uint = 0;
    bdf->fields.domain_number = (uint64_t)scenario_of(gpu_of(processor), "domain", 0);
    bdf->fields.bus_number = (uint64_t)scenario("bus", 0xc1) + (uint64_t)gpu_of(processor);
    return SUCCESS;
}

amdsmi_status_t amdsmi_get_energy_count(amdsmi_processor_handle processor, uint64_t *accumulator, float *resolution,
                                        uint64_t *timestamp) {
    count_call();
    int gpu = gpu_of(processor);
    amdsmi_status_t status = (amdsmi_status_t)scenario_of(gpu, "energy", SUCCESS);
    if (status != SUCCESS) return status;
    if (place(processor) / 32 != (int)scenario("generation", 0)) return NOT_FOUND;
    // A step is 2^-16 J, which the library rounds.
    double steps = is_first(processor) ? joules(gpu) * 65536 * scenario_of(gpu, "wrong", 1) : 0;
    *accumulator = scenario_of(gpu, "absent", 0) != 0 ? ~0ULL : (uint64_t)steps;
    *resolution = 15.3F;
    *timestamp = (uint64_t)(monotonic() * 1e9);
    return SUCCESS;
}
