#include "tests/support/certificate.h"
#include "tests/support/expect.h"

#include <limits.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { SECONDS_OF_A_DAY = 86400 };

static void add_extension(X509 *certificate, int kind, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    expect(extension && X509_add_ext(certificate, extension, -1) == 1, "extension %d", kind);
    X509_EXTENSION_free(extension);
}

static X509 *self_signed(EVP_PKEY *key, const char *name) {
    X509 *certificate = X509_new();
    uint32_t serial;
    expect(certificate && RAND_bytes((unsigned char *)&serial, sizeof serial) == 1, "no memory");
    X509_NAME *subject = X509_get_subject_name(certificate);
    bool good = X509_set_version(certificate, X509_VERSION_3) == 1 &&
                ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -SECONDS_OF_A_DAY) &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), SECONDS_OF_A_DAY) &&
                X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                           (const unsigned char *)name, -1, -1, 0) == 1 &&
                X509_set_issuer_name(certificate, subject) == 1 &&
                X509_set_pubkey(certificate, key) == 1;
    expect(good, "the certificate of %s can't be made", name);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    expect(X509_sign(certificate, key, EVP_sha256()) > 0, "it can't be signed");
    return certificate;
}

static FILE *open_in(const char *folder, const char *file) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *out = fopen(path, "we");
    expect(out != NULL, "can't write %s", path);
    return out;
}

void certificate_create(const char *folder, const char *certificate_file, const char *key_file,
                        const char *name) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    expect(key != NULL, "no key could be made");
    X509 *certificate = self_signed(key, name);
    FILE *out = open_in(folder, certificate_file);
    expect(PEM_write_X509(out, certificate) == 1 && fclose(out) == 0, "can't write");
    out = open_in(folder, key_file);
    expect(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(out) == 0,
           "can't write");
    X509_free(certificate);
    EVP_PKEY_free(key);
}
