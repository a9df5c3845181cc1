/* Hostile bytes for wire's decoders. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/wire_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    (void)wire_check_frame(data, size_bytes);
    return 0;
}
