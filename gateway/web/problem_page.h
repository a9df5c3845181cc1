/*
 * problem_page: /problems/CODE, what a problem's `type` leads to.
 */
#ifndef USHER_GATEWAY_WEB_PROBLEM_PAGE_H
#define USHER_GATEWAY_WEB_PROBLEM_PAGE_H

#include "gateway/http/problem.h"
#include "gateway/text.h"

#include <jansson.h>

/* Status and title are those of the table of problems; what to do, an example, and which routes
 * answer with it are the document's. */
void problem_page_put(struct text *text, const json_t *document, enum problem problem);

#endif
