#define _GNU_SOURCE
#include "CCurl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The begin of curl_version_info_data, which only grows at its end.
typedef struct {
    int age;
    const char *version;
    unsigned int version_num;
} VersionInfo;

// struct curl_easyoption.
typedef struct {
    const char *name;
    int id;
    int type;
    unsigned int flags;
} EasyOption;

// struct CURLMsg.
typedef struct {
    int message;
    TWCurlEasy *easy;
    union {
        void *whatever;
        int result;
    } data;
} Message;

enum { MESSAGE_DONE = 1, GLOBAL_DEFAULT = 3, OLDEST = 0x075500, NO_ATEXIT = 0x00080000 };

struct TWCurl {
    int (*global_init)(long);
    VersionInfo *(*version_info)(int);
    const EasyOption *(*option_by_name)(const char *);
    TWCurlEasy *(*easy_init)(void);
    void (*easy_cleanup)(TWCurlEasy *);
    int (*easy_setopt)(TWCurlEasy *, int, ...);
    int (*easy_getinfo)(TWCurlEasy *, int, ...);
    int (*easy_pause)(TWCurlEasy *, int);
    const char *(*easy_strerror)(int);
    TWCurlList *(*slist_append)(TWCurlList *, const char *);
    void (*slist_free_all)(TWCurlList *);
    TWCurlMulti *(*multi_init)(void);
    int (*multi_cleanup)(TWCurlMulti *);
    int (*multi_setopt)(TWCurlMulti *, int, ...);
    int (*multi_add_handle)(TWCurlMulti *, TWCurlEasy *);
    int (*multi_remove_handle)(TWCurlMulti *, TWCurlEasy *);
    int (*multi_perform)(TWCurlMulti *, int *);
    int (*multi_poll)(TWCurlMulti *, void *, unsigned int, int, int *);
    int (*multi_wakeup)(TWCurlMulti *);
    Message *(*multi_info_read)(TWCurlMulti *, int *);
};

static const TWCurl *fail(TWCurl *curl, char **error, const char *file, const char *reason) {
    if (asprintf(error, "%s %s", file, reason) < 0) *error = NULL;
    free(curl);
    return NULL;
}

const TWCurl *tw_curl_open(const char *file, char **error) {
    *error = NULL;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        const char *reason = dlerror();
        *error = strdup(reason != NULL ? reason : file);
        return NULL;
    }
    TWCurl *curl = calloc(1, sizeof *curl);
    if (curl == NULL) return NULL;
    const struct {
        const char *name;
        void **member;
    } functions[] = {
        {"curl_global_init", (void **)&curl->global_init},
        {"curl_version_info", (void **)&curl->version_info},
        {"curl_easy_option_by_name", (void **)&curl->option_by_name},
        {"curl_easy_init", (void **)&curl->easy_init},
        {"curl_easy_cleanup", (void **)&curl->easy_cleanup},
        {"curl_easy_setopt", (void **)&curl->easy_setopt},
        {"curl_easy_getinfo", (void **)&curl->easy_getinfo},
        {"curl_easy_pause", (void **)&curl->easy_pause},
        {"curl_easy_strerror", (void **)&curl->easy_strerror},
        {"curl_slist_append", (void **)&curl->slist_append},
        {"curl_slist_free_all", (void **)&curl->slist_free_all},
        {"curl_multi_init", (void **)&curl->multi_init},
        {"curl_multi_cleanup", (void **)&curl->multi_cleanup},
        {"curl_multi_setopt", (void **)&curl->multi_setopt},
        {"curl_multi_add_handle", (void **)&curl->multi_add_handle},
        {"curl_multi_remove_handle", (void **)&curl->multi_remove_handle},
        {"curl_multi_perform", (void **)&curl->multi_perform},
        {"curl_multi_poll", (void **)&curl->multi_poll},
        {"curl_multi_wakeup", (void **)&curl->multi_wakeup},
        {"curl_multi_info_read", (void **)&curl->multi_info_read},
    };
    for (size_t index = 0; index < sizeof functions / sizeof *functions; index++) {
        *functions[index].member = dlsym(library, functions[index].name);
        if (*functions[index].member == NULL) return fail(curl, error, file, "is not libcurl, or older than 7.85");
    }
    // OpenSSL's clean-up at exit would take its tables from under the thread that still asks.
    int (*openssl_init)(uint64_t, const void *) = NULL;
    *(void **)&openssl_init = dlsym(library, "OPENSSL_init_crypto");
    if (openssl_init != NULL) openssl_init(NO_ATEXIT, NULL);
    if (curl->global_init(GLOBAL_DEFAULT) != TW_CURLE_OK) return fail(curl, error, file, "cannot be initialised");
    const VersionInfo *info = curl->version_info(0);
    if (info == NULL || info->version_num < OLDEST) return fail(curl, error, file, "is older than 7.85");
    return curl;
}

const char *tw_curl_version(const TWCurl *curl) {
    const VersionInfo *info = curl->version_info(0);
    return info == NULL || info->version == NULL ? "" : info->version;
}

int tw_curl_option(const TWCurl *curl, const char *name) {
    const EasyOption *option = curl->option_by_name(name);
    return option == NULL ? -1 : option->id;
}

TWCurlEasy *tw_curl_easy_create(const TWCurl *curl) { return curl->easy_init(); }
void tw_curl_easy_free(const TWCurl *curl, TWCurlEasy *easy) { curl->easy_cleanup(easy); }

int tw_curl_set_long(const TWCurl *curl, TWCurlEasy *easy, int option, long value) {
    return curl->easy_setopt(easy, option, value);
}
int tw_curl_set_offset(const TWCurl *curl, TWCurlEasy *easy, int option, int64_t value) {
    return curl->easy_setopt(easy, option, value);
}
int tw_curl_set_text(const TWCurl *curl, TWCurlEasy *easy, int option, const char *value) {
    return curl->easy_setopt(easy, option, value);
}
int tw_curl_set_pointer(const TWCurl *curl, TWCurlEasy *easy, int option, void *value) {
    return curl->easy_setopt(easy, option, value);
}
int tw_curl_set_list(const TWCurl *curl, TWCurlEasy *easy, int option, TWCurlList *value) {
    return curl->easy_setopt(easy, option, value);
}
int tw_curl_set_data_function(const TWCurl *curl, TWCurlEasy *easy, int option, TWCurlDataFunction function) {
    return curl->easy_setopt(easy, option, function);
}
int tw_curl_set_seek_function(const TWCurl *curl, TWCurlEasy *easy, int option, TWCurlSeekFunction function) {
    return curl->easy_setopt(easy, option, function);
}
int tw_curl_set_request_function(const TWCurl *curl, TWCurlEasy *easy, int option, TWCurlRequestFunction function) {
    return curl->easy_setopt(easy, option, function);
}

int64_t tw_curl_get_long(const TWCurl *curl, TWCurlEasy *easy, int info) {
    long value = 0;
    return curl->easy_getinfo(easy, info, &value) == TW_CURLE_OK ? value : 0;
}
int64_t tw_curl_get_offset(const TWCurl *curl, TWCurlEasy *easy, int info) {
    int64_t value = 0;
    return curl->easy_getinfo(easy, info, &value) == TW_CURLE_OK ? value : 0;
}

int tw_curl_resume(const TWCurl *curl, TWCurlEasy *easy) { return curl->easy_pause(easy, 0); }
const char *tw_curl_error_text(const TWCurl *curl, int code) { return curl->easy_strerror(code); }

TWCurlList *tw_curl_list_append(const TWCurl *curl, TWCurlList *list, const char *text) {
    return curl->slist_append(list, text);
}
void tw_curl_list_free(const TWCurl *curl, TWCurlList *list) { curl->slist_free_all(list); }

TWCurlMulti *tw_curl_multi_create(const TWCurl *curl) { return curl->multi_init(); }
void tw_curl_multi_free(const TWCurl *curl, TWCurlMulti *multi) { curl->multi_cleanup(multi); }
int tw_curl_multi_set_long(const TWCurl *curl, TWCurlMulti *multi, int option, long value) {
    return curl->multi_setopt(multi, option, value);
}
int tw_curl_multi_add(const TWCurl *curl, TWCurlMulti *multi, TWCurlEasy *easy) {
    return curl->multi_add_handle(multi, easy);
}
int tw_curl_multi_remove(const TWCurl *curl, TWCurlMulti *multi, TWCurlEasy *easy) {
    return curl->multi_remove_handle(multi, easy);
}
int tw_curl_perform(const TWCurl *curl, TWCurlMulti *multi) {
    int running = 0;
    return curl->multi_perform(multi, &running);
}
int tw_curl_poll(const TWCurl *curl, TWCurlMulti *multi, int milliseconds) {
    return curl->multi_poll(multi, NULL, 0, milliseconds, NULL);
}
int tw_curl_wake(const TWCurl *curl, TWCurlMulti *multi) { return curl->multi_wakeup(multi); }

TWCurlEasy *tw_curl_next_done(const TWCurl *curl, TWCurlMulti *multi, int *result) {
    int left = 0;
    const Message *message;
    while ((message = curl->multi_info_read(multi, &left)) != NULL) {
        if (message->message != MESSAGE_DONE) continue;
        *result = message->data.result;
        return message->easy;
    }
    return NULL;
}
