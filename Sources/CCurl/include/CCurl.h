// The part of libcurl that Taskwatt calls, declared here and opened at run time: loading it costs a start of the program
// some milliseconds, and neither a header nor a library is needed to build.
//
// libcurl's numbers of options, informations and errors never change (curl.h: "the numbers are assigned and never
// re-used"); those below are of curl.h 7.88, and a test compares the options with what the library says of itself.
#pragma once

#include <stddef.h>
#include <stdint.h>

// An open library.
typedef struct TWCurl TWCurl;
// CURL, CURLM and struct curl_slist.
typedef struct TWCurlEasy TWCurlEasy;
typedef struct TWCurlMulti TWCurlMulti;
typedef struct TWCurlList TWCurlList;

// CURLOPT_…: a multiple of 10000 for the kind of value (long, pointer, function, curl_off_t), and a number.
enum {
    TW_CURLOPT_NOBODY = 44,
    TW_CURLOPT_UPLOAD = 46,
    TW_CURLOPT_SSL_VERIFYPEER = 64,
    TW_CURLOPT_SSL_VERIFYHOST = 81,
    TW_CURLOPT_HTTP_VERSION = 84,
    TW_CURLOPT_NOSIGNAL = 99,
    TW_CURLOPT_HTTPAUTH = 107,
    TW_CURLOPT_TIMEOUT_MS = 155,
    TW_CURLOPT_CONNECTTIMEOUT_MS = 156,
    TW_CURLOPT_PATH_AS_IS = 234,
    TW_CURLOPT_SUPPRESS_CONNECT_HEADERS = 265,
    TW_CURLOPT_DISALLOW_USERNAME_IN_URL = 278,
    TW_CURLOPT_CA_CACHE_TIMEOUT = 321,
    TW_CURLOPT_QUICK_EXIT = 322,

    TW_CURLOPT_WRITEDATA = 10001,
    TW_CURLOPT_URL = 10002,
    TW_CURLOPT_PROXY = 10004,
    TW_CURLOPT_READDATA = 10009,
    TW_CURLOPT_ERRORBUFFER = 10010,
    TW_CURLOPT_HTTPHEADER = 10023,
    TW_CURLOPT_SSLCERT = 10025,
    TW_CURLOPT_HEADERDATA = 10029,
    TW_CURLOPT_CUSTOMREQUEST = 10036,
    TW_CURLOPT_CAINFO = 10065,
    TW_CURLOPT_SSLKEY = 10087,
    TW_CURLOPT_CAPATH = 10097,
    TW_CURLOPT_SEEKDATA = 10168,
    TW_CURLOPT_USERNAME = 10173,
    TW_CURLOPT_PASSWORD = 10174,
    TW_CURLOPT_UNIX_SOCKET_PATH = 10231,
    TW_CURLOPT_PREREQDATA = 10313,
    TW_CURLOPT_PROTOCOLS_STR = 10318,

    TW_CURLOPT_WRITEFUNCTION = 20011,
    TW_CURLOPT_READFUNCTION = 20012,
    TW_CURLOPT_HEADERFUNCTION = 20079,
    TW_CURLOPT_SEEKFUNCTION = 20167,
    TW_CURLOPT_PREREQFUNCTION = 20312,

    TW_CURLOPT_INFILESIZE_LARGE = 30115,
};

// CURLMOPT_…
enum {
    TW_CURLMOPT_MAXCONNECTS = 6,
    TW_CURLMOPT_MAX_HOST_CONNECTIONS = 7,
};

// CURLINFO_… of the kind long, and of curl_off_t.
enum {
    TW_CURLINFO_OS_ERRNO = 0x200000 + 25,
    TW_CURLINFO_PRETRANSFER_TIME_T = 0x600000 + 53,
};

// CURLcode.
enum {
    TW_CURLE_OK = 0,
    TW_CURLE_UNSUPPORTED_PROTOCOL = 1,
    TW_CURLE_URL_MALFORMAT = 3,
    TW_CURLE_COULDNT_RESOLVE_PROXY = 5,
    TW_CURLE_COULDNT_RESOLVE_HOST = 6,
    TW_CURLE_COULDNT_CONNECT = 7,
    TW_CURLE_WEIRD_SERVER_REPLY = 8,
    TW_CURLE_PARTIAL_FILE = 18,
    TW_CURLE_WRITE_ERROR = 23,
    TW_CURLE_OUT_OF_MEMORY = 27,
    TW_CURLE_OPERATION_TIMEDOUT = 28,
    TW_CURLE_SSL_CONNECT_ERROR = 35,
    TW_CURLE_ABORTED_BY_CALLBACK = 42,
    TW_CURLE_GOT_NOTHING = 52,
    TW_CURLE_SSL_ENGINE_NOTFOUND = 53,
    TW_CURLE_SEND_ERROR = 55,
    TW_CURLE_RECV_ERROR = 56,
    TW_CURLE_SSL_CERTPROBLEM = 58,
    TW_CURLE_SSL_CIPHER = 59,
    TW_CURLE_PEER_FAILED_VERIFICATION = 60,
    TW_CURLE_BAD_CONTENT_ENCODING = 61,
    TW_CURLE_SEND_FAIL_REWIND = 65,
    TW_CURLE_SSL_CACERT_BADFILE = 77,
    TW_CURLE_SSL_ISSUER_ERROR = 83,
    TW_CURLE_PROXY = 97,
    TW_CURLE_SSL_CLIENTCERT = 98,
    TW_CURLE_TOO_LARGE = 100,
};

enum {
    TW_CURL_HTTP_VERSION_1_1 = 2,
    TW_CURLAUTH_BASIC = 1,
    TW_CURLAUTH_DIGEST = 2,
    // What a callback returns to wait, and to end the transfer.
    TW_CURL_PAUSE = 0x10000001,
    TW_CURL_READ_ABORT = 0x10000000,
    TW_CURL_ERROR_SIZE = 256,
    // What a seek function returns.
    TW_CURL_SEEK_OK = 0,
    TW_CURL_SEEK_FAIL = 1,
};

// Called on the thread that calls `tw_curl_perform` or `tw_curl_resume`, with what the DATA option of its kind holds.
typedef size_t (*TWCurlDataFunction)(char *_Nonnull bytes, size_t size, size_t count, void *_Nullable context);
// Called before each request is sent; 0 to go on.
typedef int (*TWCurlRequestFunction)(void *_Nullable context, char *_Nullable address, char *_Nullable own_address,
                                     int port, int own_port);

// Called before a body is sent again, with where it goes on from (origin SEEK_SET).
typedef int (*TWCurlSeekFunction)(void *_Nullable context, int64_t offset, int origin);

// Opens a library file, or one that the loader finds by name. Returns NULL and sets `error` (to be freed) if it cannot be
// opened, is not libcurl, or is older than 7.85. An open library is never closed.
const TWCurl *_Nullable tw_curl_open(const char *_Nonnull file, char *_Nullable *_Nonnull error);
// Such as "7.88.1".
const char *_Nonnull tw_curl_version(const TWCurl *_Nonnull curl);
// The number that the library has for an option, such as "URL"; −1 for one that it does not know.
int tw_curl_option(const TWCurl *_Nonnull curl, const char *_Nonnull name);

TWCurlEasy *_Nullable tw_curl_easy_create(const TWCurl *_Nonnull curl);
void tw_curl_easy_free(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy);
// Each returns a CURLcode.
int tw_curl_set_long(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy, int option, long value);
int tw_curl_set_offset(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy, int option, int64_t value);
// libcurl copies a text.
int tw_curl_set_text(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy, int option, const char *_Nullable value);
int tw_curl_set_pointer(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy, int option, void *_Nullable value);
// The list must outlive the transfer.
int tw_curl_set_list(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy, int option, TWCurlList *_Nullable value);
int tw_curl_set_data_function(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy, int option,
                              TWCurlDataFunction _Nonnull function);
int tw_curl_set_request_function(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy, int option,
                                 TWCurlRequestFunction _Nonnull function);
int tw_curl_set_seek_function(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy, int option,
                              TWCurlSeekFunction _Nonnull function);
// An information as a number; 0 where there is none.
int64_t tw_curl_get_long(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy, int info);
int64_t tw_curl_get_offset(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy, int info);
// Lets a transfer whose callbacks wait go on, in both directions.
int tw_curl_resume(const TWCurl *_Nonnull curl, TWCurlEasy *_Nonnull easy);
const char *_Nonnull tw_curl_error_text(const TWCurl *_Nonnull curl, int code);

// Returns the list with the text, or NULL (and the list as it was) where there is no memory.
TWCurlList *_Nullable tw_curl_list_append(const TWCurl *_Nonnull curl, TWCurlList *_Nullable list,
                                          const char *_Nonnull text);
void tw_curl_list_free(const TWCurl *_Nonnull curl, TWCurlList *_Nullable list);

TWCurlMulti *_Nullable tw_curl_multi_create(const TWCurl *_Nonnull curl);
void tw_curl_multi_free(const TWCurl *_Nonnull curl, TWCurlMulti *_Nonnull multi);
// Each returns a CURLMcode: 0 where all is well.
int tw_curl_multi_set_long(const TWCurl *_Nonnull curl, TWCurlMulti *_Nonnull multi, int option, long value);
int tw_curl_multi_add(const TWCurl *_Nonnull curl, TWCurlMulti *_Nonnull multi, TWCurlEasy *_Nonnull easy);
int tw_curl_multi_remove(const TWCurl *_Nonnull curl, TWCurlMulti *_Nonnull multi, TWCurlEasy *_Nonnull easy);
int tw_curl_perform(const TWCurl *_Nonnull curl, TWCurlMulti *_Nonnull multi);
// Waits until there is something to do, at most so long.
int tw_curl_poll(const TWCurl *_Nonnull curl, TWCurlMulti *_Nonnull multi, int milliseconds);
// Ends a wait; from any thread.
int tw_curl_wake(const TWCurl *_Nonnull curl, TWCurlMulti *_Nonnull multi);
// A transfer that has ended, with its CURLcode; NULL when there is none.
TWCurlEasy *_Nullable tw_curl_next_done(const TWCurl *_Nonnull curl, TWCurlMulti *_Nonnull multi,
                                        int *_Nonnull result);
