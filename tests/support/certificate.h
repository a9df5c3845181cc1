/*
 * certificate: keys and self-signed certificates, made by the tests that need them.
 */
#ifndef USHER_TESTS_SUPPORT_CERTIFICATE_H
#define USHER_TESTS_SUPPORT_CERTIFICATE_H

#include "shared/base.h"

/* Makes a new P-256 key and a certificate for localhost and 127.0.0.1, good for a day, whose common
 * name is `name`; writes both as PEM into the folder, over what was there. Fails the test when it
 * can't. */
void certificate_create(const char *folder, const char *certificate_file, const char *key_file,
                        const char *name);

#endif
