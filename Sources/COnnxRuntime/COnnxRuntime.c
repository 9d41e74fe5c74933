#define _GNU_SOURCE
#include "COnnxRuntime.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef OrtStatus *Status;

// Places in the table OrtApi: offsetof(OrtApi, name) / sizeof(void *) in onnxruntime_c_api.h, the same in 1.14 and in 1.29.
enum {
    kGetErrorMessage = 2,
    kCreateEnv = 3,
    kCreateSession = 7,
    kCreateSessionFromArray = 8,
    kRun = 9,
    kCreateSessionOptions = 10,
    kSetSessionGraphOptimizationLevel = 23,
    kSetIntraOpNumThreads = 24,
    kSessionGetInputCount = 30,
    kSessionGetOutputCount = 31,
    kSessionGetInputTypeInfo = 33,
    kSessionGetOutputTypeInfo = 34,
    kSessionGetInputName = 36,
    kSessionGetOutputName = 37,
    kCreateTensorWithDataAsOrtValue = 49,
    kGetTensorMutableData = 51,
    kCastTypeInfoToTensorInfo = 55,
    kGetTensorElementType = 60,
    kGetDimensionsCount = 61,
    kGetDimensions = 62,
    kGetSymbolicDimensions = 63,
    kGetTensorShapeElementCount = 64,
    kGetTensorTypeAndShape = 65,
    kCreateCpuMemoryInfo = 69,
    kAllocatorFree = 76,
    kGetAllocatorWithDefaultOptions = 78,
    kReleaseEnv = 92,
    kReleaseStatus = 93,
    kReleaseMemoryInfo = 94,
    kReleaseSession = 95,
    kReleaseValue = 96,
    kReleaseTypeInfo = 98,
    kReleaseTensorTypeAndShapeInfo = 99,
    kReleaseSessionOptions = 100,
    kGetAvailableProviders = 125,
    kReleaseAvailableProviders = 126,
    kAddSessionConfigEntry = 130,
    kSessionOptionsAppendExecutionProvider_TensorRT_V2 = 170,
    kCreateTensorRTProviderOptions = 171,
    kUpdateTensorRTProviderOptions = 172,
    kReleaseTensorRTProviderOptions = 174,
    kSessionOptionsAppendExecutionProvider_CUDA_V2 = 204,
    kCreateCUDAProviderOptions = 205,
    kUpdateCUDAProviderOptions = 206,
    kReleaseCUDAProviderOptions = 208,
    kSessionOptionsAppendExecutionProvider = 216,
};

typedef struct {
    const void *(*GetApi)(uint32_t version);
    const char *(*GetVersionString)(void);
} OrtApiBase;

struct TWOrt {
    void *library;
    void *const *api;
    const char *version;
    char *path;
    OrtMemoryInfo *cpu;
};

#define CALL(ort, place, type) ((type)(ort)->api[place])

// Turns a status into a message and lets it go.
static char *message(const TWOrt *ort, Status status) {
    if (status == NULL) return NULL;
    const char *text = CALL(ort, kGetErrorMessage, const char *(*)(const OrtStatus *))(status);
    char *copy = strdup(text != NULL ? text : "unknown error");
    CALL(ort, kReleaseStatus, void (*)(OrtStatus *))(status);
    return copy;
}

TWOrt *tw_ort_open(const char *file, uint32_t minimum_api, char **error) {
    // From 1.29 on the official builds send telemetry, by threads of their own that write files and use the network in the
    // middle of a measurement. The engine reads this when it is opened (its docs/Privacy.md); older ones do not know it.
    // Somebody who wants it can say so: what is set already stays.
    setenv("ORT_DISABLE_TELEMETRY", "1", 0);
    setenv("ORT_TELEMETRY_DISABLED", "1", 0);
    *error = NULL;
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        *error = strdup(dlerror());
        return NULL;
    }
    const OrtApiBase *(*get_base)(void) = (const OrtApiBase *(*)(void))dlsym(library, "OrtGetApiBase");
    const OrtApiBase *base = get_base != NULL ? get_base() : NULL;
    if (base == NULL) {
        if (asprintf(error, "%s is not ONNX Runtime", file) < 0) *error = NULL;
        dlclose(library);
        return NULL;
    }
    // A library answers for every version up to its own with the same table, and with NULL for a later one; it prints
    // that to standard error, so the version is looked at first.
    unsigned major = 0, minor = 0;
    sscanf(base->GetVersionString(), "%u.%u", &major, &minor);
    const void *api = major > 1 || (major == 1 && minor >= minimum_api) ? base->GetApi(minimum_api) : NULL;
    if (api == NULL) {
        if (asprintf(error, "%s is version %s, and 1.%u or later is needed", file, base->GetVersionString(),
                     minimum_api) < 0)
            *error = NULL;
        dlclose(library);
        return NULL;
    }
    TWOrt *ort = calloc(1, sizeof *ort);
    if (ort == NULL) {
        *error = NULL;
        dlclose(library);
        return NULL;
    }
    ort->library = library;
    ort->api = api;
    ort->version = base->GetVersionString();
    Dl_info info;
    ort->path = strdup(dladdr((void *)get_base, &info) != 0 && info.dli_fname != NULL ? info.dli_fname : file);
    // OrtArenaAllocator 1, OrtMemTypeDefault 0.
    *error = message(
        ort, CALL(ort, kCreateCpuMemoryInfo, Status(*)(int, int, OrtMemoryInfo **))(1, 0, &ort->cpu));
    if (*error != NULL) {
        tw_ort_close(ort);
        return NULL;
    }
    return ort;
}

void tw_ort_close(TWOrt *ort) {
    if (ort->cpu != NULL) CALL(ort, kReleaseMemoryInfo, void (*)(OrtMemoryInfo *))(ort->cpu);
    // The library keeps threads and global state; it is not unloaded.
    free(ort->path);
    free(ort);
}

const char *tw_ort_version(const TWOrt *ort) { return ort->version; }
const char *tw_ort_path(const TWOrt *ort) { return ort->path; }

// The library counts the users of its one environment, and fails (seen with 1.32: "Only one instance of LoggingManager")
// where one thread makes it while another lets go of the last.
static pthread_mutex_t environment_lock = PTHREAD_MUTEX_INITIALIZER;

char *tw_ort_create_env(const TWOrt *ort, OrtEnv **env) {
    pthread_mutex_lock(&environment_lock);
    // ORT_LOGGING_LEVEL_ERROR 3.
    Status status = CALL(ort, kCreateEnv, Status(*)(int, const char *, OrtEnv **))(3, "taskwatt", env);
    pthread_mutex_unlock(&environment_lock);
    return message(ort, status);
}

char *tw_ort_available_providers(const TWOrt *ort, char ***names, int *count) {
    return message(ort, CALL(ort, kGetAvailableProviders, Status(*)(char ***, int *))(names, count));
}

void tw_ort_release_providers(const TWOrt *ort, char **names, int count) {
    free(message(ort, CALL(ort, kReleaseAvailableProviders, Status(*)(char **, int))(names, count)));
}

char *tw_ort_create_options(const TWOrt *ort, int threads, OrtSessionOptions **options) {
    char *error = message(ort, CALL(ort, kCreateSessionOptions, Status(*)(OrtSessionOptions **))(options));
    if (error == NULL && threads > 0)
        error = message(ort, CALL(ort, kSetIntraOpNumThreads, Status(*)(OrtSessionOptions *, int))(*options, threads));
    // ORT_ENABLE_ALL 99.
    if (error == NULL)
        error = message(
            ort, CALL(ort, kSetSessionGraphOptimizationLevel, Status(*)(OrtSessionOptions *, int))(*options, 99));
    return error;
}

char *tw_ort_add_config(const TWOrt *ort, OrtSessionOptions *options, const char *key, const char *value) {
    return message(
        ort, CALL(ort, kAddSessionConfigEntry, Status(*)(OrtSessionOptions *, const char *, const char *))(options, key,
                                                                                                            value));
}

// CUDA and TensorRT have an options object of their own: made, filled from keys and values, given, and let go.
static char *append_with_object(const TWOrt *ort, OrtSessionOptions *options, int create, int update, int append,
                                int release, const char *const *keys, const char *const *values, size_t count) {
    void *object = NULL;
    char *error = message(ort, CALL(ort, create, Status(*)(void **))(&object));
    if (error == NULL && count > 0)
        error = message(
            ort, CALL(ort, update, Status(*)(void *, const char *const *, const char *const *, size_t))(object, keys,
                                                                                                         values, count));
    if (error == NULL)
        error = message(ort, CALL(ort, append, Status(*)(OrtSessionOptions *, const void *))(options, object));
    if (object != NULL) CALL(ort, release, void (*)(void *))(object);
    return error;
}

char *tw_ort_append_provider(const TWOrt *ort, OrtSessionOptions *options, const char *name, int device,
                             const char *const *keys, const char *const *values, size_t count) {
    if (strcmp(name, "CUDA") == 0)
        return append_with_object(
            ort, options, kCreateCUDAProviderOptions, kUpdateCUDAProviderOptions,
            kSessionOptionsAppendExecutionProvider_CUDA_V2, kReleaseCUDAProviderOptions, keys, values, count);
    if (strcmp(name, "Tensorrt") == 0)
        return append_with_object(
            ort, options, kCreateTensorRTProviderOptions, kUpdateTensorRTProviderOptions,
            kSessionOptionsAppendExecutionProvider_TensorRT_V2, kReleaseTensorRTProviderOptions, keys, values, count);
    if (strcmp(name, "ROCM") == 0 || strcmp(name, "MIGraphX") == 0 || strcmp(name, "Dnnl") == 0) {
        // Their structures of options changed between versions; the builds that have them export a function besides.
        char symbol[80];
        snprintf(symbol, sizeof symbol, "OrtSessionOptionsAppendExecutionProvider_%s", name);
        Status (*append)(OrtSessionOptions *, int) = (Status(*)(OrtSessionOptions *, int))dlsym(ort->library, symbol);
        if (append == NULL) {
            char *error = NULL;
            return asprintf(&error, "%s has no function %s", ort->path, symbol) < 0 ? strdup("no memory") : error;
        }
        return message(ort, append(options, device));
    }
    return message(
        ort, CALL(ort, kSessionOptionsAppendExecutionProvider,
                  Status(*)(OrtSessionOptions *, const char *, const char *const *, const char *const *, size_t))(
                 options, name, keys, values, count));
}

void tw_ort_release_options(const TWOrt *ort, OrtSessionOptions *options) {
    if (options != NULL) CALL(ort, kReleaseSessionOptions, void (*)(OrtSessionOptions *))(options);
}

char *tw_ort_create_session(const TWOrt *ort, const OrtEnv *env, const char *path, const OrtSessionOptions *options,
                            OrtSession **session) {
    return message(
        ort, CALL(ort, kCreateSession,
                  Status(*)(const OrtEnv *, const char *, const OrtSessionOptions *, OrtSession **))(env, path, options,
                                                                                                    session));
}

char *tw_ort_set_optimization(const TWOrt *ort, OrtSessionOptions *options, int level) {
    return message(
        ort, CALL(ort, kSetSessionGraphOptimizationLevel, Status(*)(OrtSessionOptions *, int))(options, level));
}

char *tw_ort_create_session_from_memory(const TWOrt *ort, const OrtEnv *env, const void *model, size_t bytes,
                                        const OrtSessionOptions *options, OrtSession **session) {
    return message(
        ort, CALL(ort, kCreateSessionFromArray,
                  Status(*)(const OrtEnv *, const void *, size_t, const OrtSessionOptions *, OrtSession **))(
                 env, model, bytes, options, session));
}

char *tw_ort_session_counts(const TWOrt *ort, const OrtSession *session, size_t *inputs, size_t *outputs) {
    char *error = message(ort, CALL(ort, kSessionGetInputCount, Status(*)(const OrtSession *, size_t *))(session, inputs));
    if (error != NULL) return error;
    return message(ort, CALL(ort, kSessionGetOutputCount, Status(*)(const OrtSession *, size_t *))(session, outputs));
}

// What is in a shape: at most TW_ORT_MAX_RANK dimensions of it.
static char *read_shape(const TWOrt *ort, const OrtTensorTypeAndShapeInfo *info, TWOrtShape *shape) {
    char *error = message(
        ort, CALL(ort, kGetTensorElementType, Status(*)(const OrtTensorTypeAndShapeInfo *, int *))(info,
                                                                                             &shape->element_type));
    if (error == NULL)
        error = message(
            ort, CALL(ort, kGetDimensionsCount, Status(*)(const OrtTensorTypeAndShapeInfo *, size_t *))(info, &shape->rank));
    if (error != NULL) return error;
    if (shape->rank > TW_ORT_MAX_RANK) return strdup("a tensor of more dimensions than can be read");
    return message(
        ort, CALL(ort, kGetDimensions, Status(*)(const OrtTensorTypeAndShapeInfo *, int64_t *, size_t))(
                 info, shape->sizes, shape->rank));
}

char *tw_ort_session_value(const TWOrt *ort, const OrtSession *session, int is_output, size_t index, char **name,
                           TWOrtShape *shape) {
    void *allocator = NULL;
    char *text = NULL;
    void *type = NULL;
    const OrtTensorTypeAndShapeInfo *info = NULL;
    memset(shape, 0, sizeof *shape);
    *name = NULL;
    char *error = message(ort, CALL(ort, kGetAllocatorWithDefaultOptions, Status(*)(void **))(&allocator));
    if (error == NULL)
        error = message(
            ort, CALL(ort, is_output ? kSessionGetOutputName : kSessionGetInputName,
                      Status(*)(const OrtSession *, size_t, void *, char **))(session, index, allocator, &text));
    if (error == NULL) {
        *name = strdup(text);
        error = message(ort, CALL(ort, kAllocatorFree, Status(*)(void *, void *))(allocator, text));
    }
    if (error == NULL)
        error = message(
            ort, CALL(ort, is_output ? kSessionGetOutputTypeInfo : kSessionGetInputTypeInfo,
                      Status(*)(const OrtSession *, size_t, void **))(session, index, &type));
    // NULL for what is no tensor, such as a sequence: the element type stays 0.
    if (error == NULL)
        error = message(
            ort, CALL(ort, kCastTypeInfoToTensorInfo, Status(*)(const void *, const OrtTensorTypeAndShapeInfo **))(type,
                                                                                                            &info));
    if (error == NULL && info != NULL) error = read_shape(ort, info, shape);
    if (error == NULL && info != NULL && shape->rank > 0) {
        const char *symbols[TW_ORT_MAX_RANK] = {NULL};
        error = message(
            ort, CALL(ort, kGetSymbolicDimensions, Status(*)(const OrtTensorTypeAndShapeInfo *, const char **, size_t))(
                     info, symbols, shape->rank));
        for (size_t axis = 0; error == NULL && axis < shape->rank; axis++)
            if (symbols[axis] != NULL) shape->symbols[axis] = strdup(symbols[axis]);
    }
    if (type != NULL) CALL(ort, kReleaseTypeInfo, void (*)(void *))(type);
    return error;
}

char *tw_ort_tensor_shape(const TWOrt *ort, const OrtValue *value, TWOrtShape *shape) {
    OrtTensorTypeAndShapeInfo *info = NULL;
    memset(shape, 0, sizeof *shape);
    char *error = message(
        ort, CALL(ort, kGetTensorTypeAndShape, Status(*)(const OrtValue *, OrtTensorTypeAndShapeInfo **))(value, &info));
    if (error != NULL) return error;
    error = read_shape(ort, info, shape);
    CALL(ort, kReleaseTensorTypeAndShapeInfo, void (*)(OrtTensorTypeAndShapeInfo *))(info);
    return error;
}

char *tw_ort_create_tensor(const TWOrt *ort, void *data, size_t bytes, const int64_t *shape, size_t rank,
                           int element_type, OrtValue **value) {
    return message(
        ort, CALL(ort, kCreateTensorWithDataAsOrtValue,
                  Status(*)(const OrtMemoryInfo *, void *, size_t, const int64_t *, size_t, int, OrtValue **))(
                 ort->cpu, data, bytes, shape, rank, element_type, value));
}

char *tw_ort_run(const TWOrt *ort, OrtSession *session, const char *const *input_names, const OrtValue *const *inputs,
                 size_t input_count, const char *const *output_names, size_t output_count, OrtValue **outputs) {
    return message(
        ort, CALL(ort, kRun,
                  Status(*)(OrtSession *, const void *, const char *const *, const OrtValue *const *, size_t,
                            const char *const *, size_t, OrtValue **))(session, NULL, input_names, inputs, input_count,
                                                                       output_names, output_count, outputs));
}

char *tw_ort_tensor_data(const TWOrt *ort, OrtValue *value, void **data, size_t *count, int *element_type) {
    OrtTensorTypeAndShapeInfo *info = NULL;
    char *error = message(
        ort, CALL(ort, kGetTensorTypeAndShape, Status(*)(const OrtValue *, OrtTensorTypeAndShapeInfo **))(value, &info));
    if (error != NULL) return error;
    error = message(
        ort, CALL(ort, kGetTensorShapeElementCount, Status(*)(const OrtTensorTypeAndShapeInfo *, size_t *))(info, count));
    if (error == NULL)
        error = message(
            ort, CALL(ort, kGetTensorElementType, Status(*)(const OrtTensorTypeAndShapeInfo *, int *))(info, element_type));
    if (error == NULL)
        error = message(ort, CALL(ort, kGetTensorMutableData, Status(*)(OrtValue *, void **))(value, data));
    CALL(ort, kReleaseTensorTypeAndShapeInfo, void (*)(OrtTensorTypeAndShapeInfo *))(info);
    return error;
}

void tw_ort_release_env(const TWOrt *ort, OrtEnv *env) {
    pthread_mutex_lock(&environment_lock);
    CALL(ort, kReleaseEnv, void (*)(OrtEnv *))(env);
    pthread_mutex_unlock(&environment_lock);
}

void tw_ort_release_session(const TWOrt *ort, OrtSession *session) {
    CALL(ort, kReleaseSession, void (*)(OrtSession *))(session);
}

void tw_ort_release_value(const TWOrt *ort, OrtValue *value) {
    if (value != NULL) CALL(ort, kReleaseValue, void (*)(OrtValue *))(value);
}
