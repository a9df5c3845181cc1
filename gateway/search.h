/*
 * search: which events somebody means. A query in plain data goes in, a page of events and the
 * cursor behind it come out. Asks the database's READS_SEARCH session; another engine would stand
 * behind the same functions.
 *
 * Without words: all events that fit, soonest first. With words, what matches best first, then
 * soonest:
 *
 *   1  every word is in the event's name or among its artists
 *   2  the same, when the last word is still being typed
 *   3  every word is there or in the venue's name or city
 *   4  every word is there or in the description
 *
 * Case and accents don't count. "…" is a phrase, -word excludes, or (between words) means either;
 * a query that only excludes, or has no letter or digit, finds nothing. When nothing is found,
 * words are respelled as the most similar ones of names and places, and words of up to three
 * letters don't count (migrations/0002_search.sql, usher.search_similar). Drafts are never found;
 * without `from` only events that have not begun.
 *
 * While nothing changes, following the cursors shows every event once.
 */
#ifndef USHER_GATEWAY_SEARCH_H
#define USHER_GATEWAY_SEARCH_H

#include "gateway/reads.h"

enum {
    SEARCH_WORDS_MAX_BYTES = 512,
    SEARCH_CITY_MAX_BYTES = 200,
    SEARCH_CURSOR_SIZE = 65, /* with NUL */
};

/* A day begins at midnight where the event is: `unix_us` is then read as local time. */
enum search_time_kind { SEARCH_TIME_NONE, SEARCH_TIME_INSTANT, SEARCH_TIME_DAY };

struct search_time {
    enum search_time_kind kind;
    int64_t unix_us;
};

/* Where a page ends; of search_read_cursor. `event_id` 0: nowhere. */
struct search_position {
    uint64_t event_id;
    int64_t start_us;
    uint32_t class_no;
    bool respelled;
};

/* Texts are UTF-8; NULL: all. */
struct search_query {
    const char *words;       /* at most SEARCH_WORDS_MAX_BYTES */
    const char *city;        /* at most SEARCH_CITY_MAX_BYTES */
    const char *state;       /* as search_knows_state */
    struct search_time from; /* inclusive */
    struct search_time to;   /* exclusive */
    uint32_t limit;
    struct search_position after;
};

struct search_page {
    uint32_t count;
    const char *events; /* JSON objects with commas between them, as GET /events shows them */
    const char *next;   /* the cursor behind the page; NULL: there is no more */
};

/* `page` ends with the call; NULL: there is no answer (logged when the database refuses). */
typedef void search_handler(void *context, const struct search_page *page);

/* Texts are copied. Calls the handler once, maybe at once. */
void search_events(struct reads *reads, const struct search_query *query, search_handler *handler,
                   void *context);

/* Whether it is a state that an event may be shown in. */
bool search_knows_state(const char *state);
/* A day (2026-12-01) or an instant (RFC 3339). False when it is neither. */
MUST_CHECK bool search_read_time(const char *text, struct search_time *time);
/* Sets query->after. False unless it is a cursor of this very query (any `limit`), so that no page
 * is continued as another's. Call it when the query is complete. */
MUST_CHECK bool search_read_cursor(const char *text, struct search_query *query);
/* The same for equal queries only: the key of a cache. */
struct id128 search_query_key(const struct search_query *query);

#endif
