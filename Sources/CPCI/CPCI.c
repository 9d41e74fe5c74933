#define _GNU_SOURCE
#include "CPCI.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pci/pci.h>

// One scan at a time for each thread: libpci's callbacks carry no context.
static _Thread_local jmp_buf escape;
static _Thread_local char message[512];

static void fail(char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    longjmp(escape, 1);
}

static void ignore(char *format, ...) { (void)format; }

// The speeds of PCI Express Base 6.0, 7.5.3.18: 2.5, 5, 8, 16, 32, 64 GT/s.
static uint16_t speed(unsigned code) {
    static const uint16_t tenths[] = {0, 25, 50, 80, 160, 320, 640};
    return code < sizeof tenths / sizeof *tenths ? tenths[code] : 0;
}

static void name(struct pci_access *access, char *buffer, int size, int flags, int a, int b) {
    char found[512] = "";
    // Without the number that stands in for a name that is not in pci.ids.
    char *text = pci_lookup_name(access, found, sizeof found, flags | PCI_LOOKUP_NO_NUMBERS, a, b);
    snprintf(buffer, (size_t)size, "%s", text != NULL ? text : "");
}

static void fill(struct pci_access *access, struct pci_dev *dev, TWPCIDevice *out) {
    out->domain = (uint32_t)dev->domain;
    out->bus = dev->bus;
    out->device = dev->dev;
    out->function = dev->func;
    out->numa_node = -1;
    int known = pci_fill_info(dev, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT | PCI_FILL_SUBSYS |
                                       PCI_FILL_NUMA_NODE | PCI_FILL_CAPS);
    out->vendor_id = dev->vendor_id;
    out->device_id = dev->device_id;
    out->class_id = dev->device_class;
    if (known & PCI_FILL_CLASS_EXT) {
        out->programming_interface = dev->prog_if;
        out->revision = dev->rev_id;
    }
    if (known & PCI_FILL_SUBSYS) {
        out->subsystem_vendor_id = dev->subsys_vendor_id;
        out->subsystem_id = dev->subsys_id;
    }
    if (known & PCI_FILL_NUMA_NODE) out->numa_node = dev->numa_node;
    uint8_t header[64];
    out->has_config = (uint8_t)(pci_read_block(dev, 0, header, sizeof header) != 0);
    if (out->has_config) {
        struct pci_cap *express = pci_find_cap(dev, PCI_CAP_ID_EXP, PCI_CAP_NORMAL);
        if (express != NULL) {
            uint32_t capabilities = pci_read_long(dev, (int)express->addr + PCI_EXP_LNKCAP);
            uint16_t status = pci_read_word(dev, (int)express->addr + PCI_EXP_LNKSTA);
            if (capabilities != 0xffffffff && capabilities != 0) {
                out->max_link_speed = speed(capabilities & PCI_EXP_LNKCAP_SPEED);
                out->max_link_width = (uint16_t)((capabilities & PCI_EXP_LNKCAP_WIDTH) >> 4);
                out->link_speed = speed(status & PCI_EXP_LNKSTA_SPEED);
                out->link_width = (uint16_t)((status & PCI_EXP_LNKSTA_WIDTH) >> 4);
            }
        }
    }
    name(access, out->vendor_name, sizeof out->vendor_name, PCI_LOOKUP_VENDOR, dev->vendor_id, 0);
    name(access, out->device_name, sizeof out->device_name, PCI_LOOKUP_DEVICE, dev->vendor_id, dev->device_id);
    name(access, out->class_name, sizeof out->class_name, PCI_LOOKUP_CLASS, dev->device_class, 0);
}

TWPCIScan tw_pci_scan(const char *sysfs, const char *dump, const char *ids) {
    // What changes between setjmp and longjmp must be volatile to be whole after it.
    TWPCIScan volatile scan = {NULL, 0, NULL};
    struct pci_access *volatile access = pci_alloc();
    access->error = fail;
    access->warning = ignore;
    access->debug = ignore;
    if (setjmp(escape) == 0) {
        if (sysfs != NULL) pci_set_param(access, "sysfs.path", (char *)sysfs);
        if (dump != NULL) {
            access->method = PCI_ACCESS_DUMP;
            pci_set_param(access, "dump.name", (char *)dump);
        }
        if (ids != NULL) pci_set_name_list_path(access, (char *)ids, 0);
        pci_init(access);
        pci_scan_bus(access);
        int total = 0;
        for (struct pci_dev *dev = access->devices; dev != NULL; dev = dev->next) total++;
        scan.devices = calloc((size_t)total + 1, sizeof *scan.devices);
        for (struct pci_dev *dev = access->devices; dev != NULL && scan.devices != NULL; dev = dev->next) {
            // Counted before it is filled, so that a device that ends the scan is listed with what is known.
            int index = scan.count;
            scan.count = index + 1;
            fill(access, dev, &scan.devices[index]);
        }
        pci_cleanup(access);
    } else {
        // The access is left as it is: its state is not known any more.
        scan.error = strdup(message);
    }
    return scan;
}

void tw_pci_free(TWPCIScan scan) {
    free(scan.devices);
    free(scan.error);
}
