#include "gateway/answers.h"
#include "gateway/routes/routes.h"

void route_not_built(void *context, struct http_request *request, const struct route_match *match) {
    (void)context;
    (void)match;
    answer_refuse(request, PROBLEM_NOT_BUILT, "This part of the interface comes later.", NULL);
}
