// A scan of the PCI devices by libpci, pcilib(7), in one call.
//
// libpci reports a fatal error by a function that must not return, which Swift cannot express (its own calls exit):
// here it jumps out of the step, and the error comes back as a message.
#pragma once

#include <stdint.h>

typedef struct {
    uint32_t domain;
    uint8_t bus, device, function;
    uint16_t vendor_id, device_id, class_id;
    uint16_t subsystem_vendor_id, subsystem_id;
    uint8_t programming_interface, revision;
    // -1 where it is not known.
    int numa_node;
    // PCI Express: generation-independent speed in units of 0.1 GT/s, and lanes; 0 where the device has no such link.
    uint16_t link_speed, link_width, max_link_speed, max_link_width;
    // Names from pci.ids; empty where it does not have them.
    char vendor_name[128], device_name[160], class_name[96];
    // Whether the configuration space could be read.
    uint8_t has_config;
    // Why libpci gave the device up; empty where it did not. The fields above are then what it had found.
    char problem[192];
} TWPCIDevice;

typedef struct {
    TWPCIDevice *_Nullable devices;
    int count;
    // NULL on success; else why the list of devices may be short, or why there are no names.
    char *_Nullable error;
} TWPCIScan;

// `sysfs`: the directory that stands for /sys/bus/pci; NULL for the machine's own.
// `dump`: a file as `lspci -x` prints it, to be read instead; or NULL.
// `ids`: a pci.ids file; NULL for the system's and udev's.
TWPCIScan tw_pci_scan(const char *_Nullable sysfs, const char *_Nullable dump, const char *_Nullable ids);
void tw_pci_free(TWPCIScan scan);
