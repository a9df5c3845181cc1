/*
 * answers: what every route answers with: JSON of one's own, refusals, and what many may look at.
 */
#ifndef USHER_GATEWAY_ANSWERS_H
#define USHER_GATEWAY_ANSWERS_H

#include "gateway/body.h"
#include "gateway/http/http.h"
#include "gateway/http/problem.h"

enum { RETRY_AFTER_SECONDS = 2 };

/* Personal: `no-store`. Takes the text; without memory 500. */
void answer_json_take(struct http_request *request, int status, struct text *text);
/* A refusal; those of 500 and above are logged with the request's id. `detail` and `members` may be
 * NULL. */
void answer_refuse(struct http_request *request, enum problem problem, const char *detail,
                   const char *members);

/* How old and how lasting something is that everybody may look at. */
struct looking {
    bool immutable; /* for a year, with a strong ETag; else a second, with a weak one */
    bool is_page;   /* a text of the program itself: for five minutes, with a strong ETag */
    bool is_stale;  /* say how old it is */
    int64_t age_us;
    const char *content_type; /* NULL: JSON */
};

/* 200 or, when the caller has it already, 304 (RFC 9110, 13.1.2); gzip when accepted. Keeps the
 * body while it is sent. */
void answer_looking(struct http_request *request, struct body *body, const struct looking *looking);
/* RFC 9110, 12.5.3: whether an Accept-Encoding (NULL: none) takes gzip. */
bool accepts_gzip(const char *accept_encoding);

#endif
