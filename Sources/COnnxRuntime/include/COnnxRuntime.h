// The part of ONNX Runtime's C API that Taskwatt calls, declared here and opened at run time, so that no header or
// library is needed to build.
//
// The API is one table of functions that only ever grows at its end (onnxruntime_c_api.h: "All the members of this
// structure are in the order in which they were added"), so a function's place in the table is for good. Places are
// given as numbers in COnnxRuntime.c.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtValue OrtValue;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;

// An open library. All functions may be called from any thread.
typedef struct TWOrt TWOrt;

enum { TW_ORT_MAX_RANK = 16 };

// The type and shape of a value. ONNX element types: 1 float, 7 int64 and so on; 0 for what is no tensor.
typedef struct {
    int element_type;
    size_t rank;
    int64_t sizes[TW_ORT_MAX_RANK];  // −1 where it is known at run time only.
    char *_Nullable symbols[TW_ORT_MAX_RANK];  // The names of such dimensions, or ""; to be freed.
} TWOrtShape;

// Opens a library file, or one that the loader finds by name. Returns NULL and sets `error` (to be freed) if it cannot be
// opened, is not ONNX Runtime, or is older than `minimum_api`.
TWOrt *_Nullable tw_ort_open(const char *_Nonnull file, uint32_t minimum_api, char *_Nullable *_Nonnull error);
void tw_ort_close(TWOrt *_Nonnull ort);

// The library's version, such as "1.21.0"; lives as long as the library.
const char *_Nonnull tw_ort_version(const TWOrt *_Nonnull ort);
// The path that the library was loaded from; lives as long as the library.
const char *_Nonnull tw_ort_path(const TWOrt *_Nonnull ort);

// Each returns NULL on success, else a message to be freed.
char *_Nullable tw_ort_create_env(const TWOrt *_Nonnull ort, OrtEnv *_Nullable *_Nonnull env);
// The execution providers of the library, such as "CPUExecutionProvider"; to be released.
char *_Nullable tw_ort_available_providers(const TWOrt *_Nonnull ort, char *_Nonnull *_Nullable *_Nonnull names,
                                           int *_Nonnull count);
void tw_ort_release_providers(const TWOrt *_Nonnull ort, char *_Nonnull *_Nullable names, int count);
// `threads` 0: the library's own choice. All graph optimisations are on.
char *_Nullable tw_ort_create_options(const TWOrt *_Nonnull ort, int threads, OrtSessionOptions *_Nullable *_Nonnull options);
// The keys are those of onnxruntime_session_options_config_keys.h.
char *_Nullable tw_ort_add_config(const TWOrt *_Nonnull ort, OrtSessionOptions *_Nonnull options,
                                  const char *_Nonnull key, const char *_Nonnull value);
// `name` is the provider's without "ExecutionProvider", such as "CUDA"; keys and values are its own options. `device` is
// for those that take a number instead (ROCM, MIGraphX).
char *_Nullable tw_ort_append_provider(const TWOrt *_Nonnull ort, OrtSessionOptions *_Nonnull options,
                                       const char *_Nonnull name, int device, const char *_Nonnull const *_Nonnull keys,
                                       const char *_Nonnull const *_Nonnull values, size_t count);
void tw_ort_release_options(const TWOrt *_Nonnull ort, OrtSessionOptions *_Nullable options);
char *_Nullable tw_ort_create_session(const TWOrt *_Nonnull ort, const OrtEnv *_Nonnull env, const char *_Nonnull path,
                                      const OrtSessionOptions *_Nonnull options,
                                      OrtSession *_Nullable *_Nonnull session);
// 0 for no graph optimisation at all, 99 for all.
char *_Nullable tw_ort_set_optimization(const TWOrt *_Nonnull ort, OrtSessionOptions *_Nonnull options, int level);
// A model in memory, which may go after the call.
char *_Nullable tw_ort_create_session_from_memory(const TWOrt *_Nonnull ort, const OrtEnv *_Nonnull env,
                                                  const void *_Nonnull model, size_t bytes,
                                                  const OrtSessionOptions *_Nonnull options,
                                                  OrtSession *_Nullable *_Nonnull session);
char *_Nullable tw_ort_session_counts(const TWOrt *_Nonnull ort, const OrtSession *_Nonnull session,
                                      size_t *_Nonnull inputs, size_t *_Nonnull outputs);
// An input or output by its place. The name and the symbols are to be freed, after an error too.
char *_Nullable tw_ort_session_value(const TWOrt *_Nonnull ort, const OrtSession *_Nonnull session, int is_output,
                                     size_t index, char *_Nullable *_Nonnull name, TWOrtShape *_Nonnull shape);
// The type and shape of a tensor; it has no symbols.
char *_Nullable tw_ort_tensor_shape(const TWOrt *_Nonnull ort, const OrtValue *_Nonnull value,
                                    TWOrtShape *_Nonnull shape);
// ONNX element types: 1 float, 7 int64. The value uses the caller's memory, which must outlive it.
char *_Nullable tw_ort_create_tensor(const TWOrt *_Nonnull ort, void *_Nonnull data, size_t bytes,
                                     const int64_t *_Nonnull shape, size_t rank, int element_type,
                                     OrtValue *_Nullable *_Nonnull value);
// Outputs that are NULL are allocated by the library; others are written in place.
char *_Nullable tw_ort_run(const TWOrt *_Nonnull ort, OrtSession *_Nonnull session,
                           const char *_Nonnull const *_Nonnull input_names,
                           const OrtValue *_Nullable const *_Nonnull inputs, size_t input_count,
                           const char *_Nonnull const *_Nonnull output_names, size_t output_count,
                           OrtValue *_Nullable *_Nonnull outputs);
// The elements of a tensor in place, how many there are and of which ONNX element type.
char *_Nullable tw_ort_tensor_data(const TWOrt *_Nonnull ort, OrtValue *_Nonnull value, void *_Nullable *_Nonnull data,
                                   size_t *_Nonnull count, int *_Nonnull element_type);

void tw_ort_release_env(const TWOrt *_Nonnull ort, OrtEnv *_Nullable env);
void tw_ort_release_session(const TWOrt *_Nonnull ort, OrtSession *_Nullable session);
void tw_ort_release_value(const TWOrt *_Nonnull ort, OrtValue *_Nullable value);
