/*
 * queue: what tests ask of waiting rooms, in one line: joining, claiming, leaving, booking with a
 * pass, and what operators do. As in shop.h, functions named after a request return its answer, the
 * caller's.
 */
#ifndef USHER_TESTS_SUPPORT_QUEUE_H
#define USHER_TESTS_SUPPORT_QUEUE_H

#include "tests/support/shop.h"

enum { QUEUE_WAIT_MS = 20000 };

struct queue_place {
    int64_t event_id;
    int64_t number;
    char token[SHOP_TEXT_SIZE];
    char pass[SHOP_TEXT_SIZE]; /* "": not claimed */
};

/* An event whose waiting room has these settings (JSON members, e.g. "\"mode\":\"open\""); `more`
 * as for shop_event. */
int64_t queue_event(struct cluster *cluster, int64_t venue_id, const char *room, const char *more);
/* PATCH /admin/events/{id}, which has to succeed. */
void queue_patch(struct cluster *cluster, int64_t event_id, const char *body);

struct http_answer queue_state(struct cluster *cluster, unsigned gateway, int64_t event_id);
struct http_answer queue_join(struct cluster *cluster, unsigned gateway,
                              const struct shop_customer *customer, int64_t event_id);
struct http_answer queue_claim(struct cluster *cluster, unsigned gateway,
                               const struct shop_customer *customer, int64_t event_id,
                               const char *queue_token);
/* `queue_token` may be NULL. */
struct http_answer queue_leave(struct cluster *cluster, unsigned gateway,
                               const struct shop_customer *customer, int64_t event_id,
                               const char *queue_token);
/* `pass` may be NULL. */
struct http_answer queue_reserve(struct cluster *cluster, unsigned gateway,
                                 const struct shop_customer *customer, int64_t event_id,
                                 const char *seats, const char *pass);

/* Joins, expects that status (201, or 200 when already in), and keeps the place. */
void queue_enter(struct cluster *cluster, unsigned gateway, const struct shop_customer *customer,
                 int64_t event_id, int status, struct queue_place *place);
/* Waits until the number is served, claims, expects 200, and keeps the pass. */
void queue_take_pass(struct cluster *cluster, unsigned gateway,
                     const struct shop_customer *customer, struct queue_place *place);
void queue_wait_served(struct cluster *cluster, unsigned gateway, int64_t event_id, int64_t number);
void queue_wait_phase(struct cluster *cluster, unsigned gateway, int64_t event_id,
                      const char *phase);

#endif
