#include "gateway/call.h"

#include "gateway/answers.h"

#include <stdlib.h>

static void on_gone(void *context, struct http_request *request) {
    (void)request;
    ((struct call *)context)->request = NULL;
}

void *call_create(struct gateway *gateway, struct http_request *request, size_t size_bytes) {
    struct call *call = calloc(1, size_bytes);
    if (call == NULL) {
        answer_refuse(request, PROBLEM_OVERLOADED, NULL, NULL);
        return NULL;
    }
    call->gateway = gateway;
    call->request = request;
    http_request_set_context(request, call, on_gone);
    return call;
}
