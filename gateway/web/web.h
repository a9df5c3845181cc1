/*
 * web: the pages about the interface, all made from openapi.json and the table of problems when the
 * process starts, and kept for as long as it runs.
 */
#ifndef USHER_GATEWAY_WEB_WEB_H
#define USHER_GATEWAY_WEB_WEB_H

#include "gateway/body.h"
#include "gateway/http/problem.h"

struct web;

/* NULL, logged, when there is no memory or the document can't be read. */
MUST_CHECK struct web *web_create(void);
/* NULL is allowed. Answers on their way keep what they send. */
void web_destroy(struct web *web);

/* GET /openapi.json, JSON; the others are HTML. Owned by `web`. */
struct body *web_openapi(const struct web *web);
struct body *web_docs(const struct web *web);
struct body *web_problem(const struct web *web, enum problem problem);

#endif
