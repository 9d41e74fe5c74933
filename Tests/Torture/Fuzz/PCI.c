// A machine's PCI devices as their configuration space says they are, looked through by libpci: `lspci -x` of hostile devices, 4 KiB and the
// names of a hostile `pci.ids`.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "CPCI.h"

// Of configuration space, as much of a device as libpci looks at.
enum { SPACE = 256, MOST_DEVICES = 4 };

static int file(char path[static 32]) {
    int descriptor = memfd_create("fuzz", 0);
    if (descriptor < 0) abort();
    snprintf(path, 32, "/proc/self/fd/%d", descriptor);
    return descriptor;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char dump_path[32], ids_path[32];
    int dump = file(dump_path), ids = file(ids_path);
    FILE *output = fdopen(dup(dump), "w");
    if (output == NULL) abort();
    // The first byte says whether a dump is made of what follows, or is it.
    int is_space = count > 0 && bytes[0] & 1;
    if (count > 0) bytes++, count--;
    size_t taken = 0;
    if (is_space) {
        for (int device = 0; device < MOST_DEVICES && taken < count; device++) {
            fprintf(output, "%02x:%02x.0 Device\n", device, device);
            for (int place = 0; place < SPACE && taken < count; place += 16) {
                fprintf(output, "%02x:", place);
                for (int n = 0; n < 16; n++) fprintf(output, " %02x", taken < count ? bytes[taken++] : 0);
                fprintf(output, "\n");
            }
            fprintf(output, "\n");
        }
    } else {
        taken = count / 2;
        fwrite(bytes, 1, taken, output);
    }
    fclose(output);
    if (write(ids, bytes + taken, count - taken) < 0) abort();
    TWPCIScan scan = tw_pci_scan(NULL, dump_path, ids_path);
    for (size_t n = 0; n < (size_t)scan.count; n++) {
        TWPCIDevice *device = &scan.devices[n];
        // Each text ends within its place.
        if (strnlen(device->vendor_name, sizeof device->vendor_name) == sizeof device->vendor_name ||
            strnlen(device->device_name, sizeof device->device_name) == sizeof device->device_name ||
            strnlen(device->problem, sizeof device->problem) == sizeof device->problem)
            abort();
    }
    tw_pci_free(scan);
    close(dump);
    close(ids);
    return 0;
}
