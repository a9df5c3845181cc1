#include "gateway/http/tls.h"

#include "shared/log.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <time.h>

struct http_tls {
    const char *certificate;
    const char *key;
    SSL_CTX *context; /* counted: open connections keep the one they began with */
};

/* An encrypted key is refused rather than asked about on a terminal. */
static int no_passphrase(char *buffer UNUSED, int size UNUSED, int is_writing UNUSED,
                         void *context UNUSED) {
    return 0;
}

static int select_protocol(SSL *ssl UNUSED, const unsigned char **chosen,
                           unsigned char *chosen_size, const unsigned char *offered,
                           unsigned offered_size, void *context UNUSED) {
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *found;
    int result =
        SSL_select_next_proto(&found, chosen_size, ours, sizeof ours - 1, offered, offered_size);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool configure(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, select_protocol, NULL);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set_num_tickets(context, 1) == 1;
}

static void log_loaded(const struct http_tls *tls) {
    char expires[32] = "?";
    struct tm utc;
    const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(tls->context));
    if (ASN1_TIME_to_tm(end, &utc) == 1)
        (void)strftime(expires, sizeof expires, "%Y-%m-%dT%H:%M:%SZ", &utc);
    bool is_over = X509_cmp_current_time(end) < 0;
    log_write(is_over ? LOG_WARNING : LOG_INFO, "tls-certificate-read",
              is_over ? "The certificate of the public port has expired: clients will refuse it."
                      : "New connections are shown this certificate.",
              LOG_TEXT("certificate", tls->certificate), LOG_TEXT("expires", expires));
}

bool http_tls_reload(struct http_tls *tls) {
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || !configure(context) ||
        SSL_CTX_use_certificate_chain_file(context, tls->certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, tls->key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        char why[256];
        ERR_error_string_n(ERR_peek_error(), why, sizeof why);
        log_write(LOG_ERROR, "tls-certificate-refused",
                  tls->context ? "The new certificate or key is no good; the one before stays."
                               : "The certificate or key of the public port is no good.",
                  LOG_TEXT("certificate", tls->certificate), LOG_TEXT("key", tls->key),
                  LOG_TEXT("error", why));
        SSL_CTX_free(context);
        ERR_clear_error();
        return false;
    }
    SSL_CTX_free(tls->context);
    tls->context = context;
    log_loaded(tls);
    return true;
}

struct http_tls *http_tls_create(const char *certificate, const char *key) {
    struct http_tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return NULL;
    tls->certificate = certificate;
    tls->key = key;
    if (!http_tls_reload(tls)) {
        free(tls);
        return NULL;
    }
    return tls;
}

void http_tls_destroy(struct http_tls *tls) {
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

SSL *http_tls_accept(const struct http_tls *tls, int fd) {
    SSL *ssl = SSL_new(tls->context);
    if (!ssl)
        return NULL;
    if (SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_accept_state(ssl);
    return ssl;
}
