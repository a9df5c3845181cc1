#include "worker/payments.h"

enum payment_result payments_sandbox(const char *token) {
    if (token[0] == '\0')
        return PAYMENT_NOT_ASKED;
    if (strcmp(token, "tok_ok") == 0)
        return PAYMENT_APPROVED;
    if (strcmp(token, "tok_declined") == 0)
        return PAYMENT_DECLINED;
    return PAYMENT_TOKEN_UNKNOWN;
}
