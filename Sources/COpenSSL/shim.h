// OpenSSL 3: what Swift does not see because it is a macro, and nothing else.
#pragma once

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

// Starts the library without its tidying at exit(3): threads of ours that still talk TLS while the process ends would be left
// with a library that is gone. OPENSSL_init_crypto(3).
static inline int tw_openssl_start(void) { return OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL); }

static inline int tw_ssl_set_versions(SSL_CTX *context, int least, int most) {
    return SSL_CTX_set_min_proto_version(context, least) && SSL_CTX_set_max_proto_version(context, most);
}

// Connections that wait keep no buffers.
static inline void tw_ssl_release_buffers(SSL_CTX *context) { SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); }

// Takes a reference of its own.
static inline int tw_ssl_add_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

// The options that are more than 32 bits wide since OpenSSL 3 are macros with a cast.
static inline void tw_ssl_server_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

// The certificate of the other side; to be freed. NULL without one.
static inline X509 *tw_ssl_peer(const SSL *ssl) { return SSL_get1_peer_certificate(ssl); }

static inline long tw_bio_text(BIO *memory, char **text) { return BIO_get_mem_data(memory, text); }

// Whether the error is that a PEM file has no more blocks, which is how its end shows.
static inline int tw_is_end_of_pem(unsigned long error) {
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// Tickets alone resume a session, so that the server keeps nothing of a client that has gone.
static inline void tw_ssl_keep_no_sessions(SSL_CTX *context) { SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); }

// A name as text, such as `CN=lab7,O=Example` (RFC 2253).
static inline int tw_print_name(BIO *output, const X509_NAME *name) {
    return X509_NAME_print_ex(output, name, 0, XN_FLAG_RFC2253);
}
