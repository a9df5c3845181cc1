/*
 * fuzz: a target takes any bytes and aborts (or trips a sanitizer) when something is wrong. The
 * signature is libFuzzer's, so that the same target runs under it (NAME-libfuzzer, when the
 * compiler is clang) and under replay.c, which every test run uses.
 */
#ifndef USHER_TESTS_FUZZ_FUZZ_H
#define USHER_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

#endif
