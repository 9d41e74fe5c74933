#define _GNU_SOURCE
#include "CPCI.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
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

// A scan as far as it has come. It lies outside the frame that a jump leaves, so its values are whole after one.
struct progress {
    const char *sysfs, *dump, *ids;
    struct pci_access *access;
    // The device that is being read, and where it goes.
    struct pci_dev *dev;
    TWPCIDevice *out;
};

// Takes one step; false where libpci gave it up, with its reason in `message`.
static bool try(void (*step)(struct progress *), struct progress *progress) {
    if (setjmp(escape) != 0) return false;
    step(progress);
    return true;
}

static void find_devices(struct progress *p) {
    // The method is always named: left to itself, libpci would in the end try the I/O ports.
    if (p->dump != NULL) {
        p->access->method = PCI_ACCESS_DUMP;
        pci_set_param(p->access, "dump.name", (char *)p->dump);
    } else {
        p->access->method = PCI_ACCESS_SYS_BUS_PCI;
        if (p->sysfs != NULL) pci_set_param(p->access, "sysfs.path", (char *)p->sysfs);
    }
    if (p->ids != NULL) pci_set_name_list_path(p->access, (char *)p->ids, 0);
    pci_init(p->access);
    pci_scan_bus(p->access);
}

static void load_names(struct progress *p) { pci_load_name_list(p->access); }

static void clean_up(struct progress *p) { pci_cleanup(p->access); }

static void name(struct progress *p, char *buffer, size_t size, int flags, int a, int b) {
    char found[512] = "";
    // Without the number that stands in for a name that is not known; and from the list alone where one is given.
    flags |= PCI_LOOKUP_NO_NUMBERS | (p->ids != NULL ? PCI_LOOKUP_NO_HWDB : 0);
    char *text = pci_lookup_name(p->access, found, sizeof found, flags, a, b);
    snprintf(buffer, size, "%s", text != NULL ? text : "");
}

static void fill_names(struct progress *p) {
    TWPCIDevice *out = p->out;
    name(p, out->vendor_name, sizeof out->vendor_name, PCI_LOOKUP_VENDOR, out->vendor_id, 0);
    name(p, out->device_name, sizeof out->device_name, PCI_LOOKUP_DEVICE, out->vendor_id, out->device_id);
    name(p, out->class_name, sizeof out->class_name, PCI_LOOKUP_CLASS, out->class_id, 0);
}

static void fill_link(struct progress *p) {
    struct pci_cap *express = pci_find_cap(p->dev, PCI_CAP_ID_EXP, PCI_CAP_NORMAL);
    if (express == NULL) return;
    uint32_t capabilities = pci_read_long(p->dev, (int)express->addr + PCI_EXP_LNKCAP);
    uint16_t status = pci_read_word(p->dev, (int)express->addr + PCI_EXP_LNKSTA);
    // All ones: the device does not answer, as when it is powered down.
    if (capabilities == 0xffffffff || capabilities == 0) return;
    p->out->max_link_speed = speed(capabilities & PCI_EXP_LNKCAP_SPEED);
    p->out->max_link_width = (uint16_t)((capabilities & PCI_EXP_LNKCAP_WIDTH) >> 4);
    p->out->link_speed = speed(status & PCI_EXP_LNKSTA_SPEED);
    p->out->link_width = (uint16_t)((status & PCI_EXP_LNKSTA_WIDTH) >> 4);
}

static void fill_ids(struct progress *p) { pci_fill_info(p->dev, PCI_FILL_IDENT); }

static void fill_class(struct progress *p) {
    if (pci_fill_info(p->dev, PCI_FILL_CLASS | PCI_FILL_CLASS_EXT) & PCI_FILL_CLASS_EXT) {
        p->out->programming_interface = p->dev->prog_if;
        p->out->revision = p->dev->rev_id;
    }
}

static void fill_rest(struct progress *p) {
    struct pci_dev *dev = p->dev;
    int known = pci_fill_info(dev, PCI_FILL_SUBSYS | PCI_FILL_NUMA_NODE | PCI_FILL_CAPS);
    if (known & PCI_FILL_SUBSYS) {
        p->out->subsystem_vendor_id = dev->subsys_vendor_id;
        p->out->subsystem_id = dev->subsys_id;
    }
    if (known & PCI_FILL_NUMA_NODE) p->out->numa_node = dev->numa_node;
    uint8_t header[64];
    p->out->has_config = (uint8_t)(pci_read_block(dev, 0, header, sizeof header) != 0);
    if (p->out->has_config) fill_link(p);
}

// A device that libpci gives up on keeps neither the others from being read nor its own place in the list, and one file
// that cannot be read does not cost what the others say.
static void fill(struct progress *p) {
    void (*const steps[])(struct progress *) = {fill_ids, fill_class, fill_rest};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (!try(steps[i], p) && p->out->problem[0] == 0) {
            snprintf(p->out->problem, sizeof p->out->problem, "%s", message);
        }
    }
    p->out->vendor_id = p->dev->vendor_id;
    p->out->device_id = p->dev->device_id;
    p->out->class_id = p->dev->device_class;
    try(fill_names, p);
}

TWPCIScan tw_pci_scan(const char *sysfs, const char *dump, const char *ids) {
    TWPCIScan scan = {NULL, 0, NULL};
    struct progress progress = {.sysfs = sysfs, .dump = dump, .ids = ids, .access = pci_alloc()};
    progress.access->error = fail;
    progress.access->warning = ignore;
    progress.access->debug = ignore;
    // What was found before an error stays.
    if (!try(find_devices, &progress)) scan.error = strdup(message);
    if (!try(load_names, &progress) && scan.error == NULL) scan.error = strdup(message);

    int total = 0;
    for (struct pci_dev *dev = progress.access->devices; dev != NULL; dev = dev->next) total++;
    scan.devices = calloc((size_t)total + 1, sizeof *scan.devices);
    if (scan.devices == NULL) return scan;
    for (struct pci_dev *dev = progress.access->devices; dev != NULL; dev = dev->next) {
        TWPCIDevice *out = &scan.devices[scan.count++];
        out->domain = (uint32_t)dev->domain;
        out->bus = dev->bus;
        out->device = dev->dev;
        out->function = dev->func;
        out->numa_node = -1;
        progress.dev = dev;
        progress.out = out;
        fill(&progress);
    }
    // After an error libpci's state is not known: better some memory than a crash.
    if (scan.error == NULL) try(clean_up, &progress);
    return scan;
}

void tw_pci_free(TWPCIScan scan) {
    free(scan.devices);
    free(scan.error);
}
