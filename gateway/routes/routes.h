/*
 * routes: what the gateway answers to; one table of method, path and handler (routes.c).
 */
#ifndef USHER_GATEWAY_ROUTES_ROUTES_H
#define USHER_GATEWAY_ROUTES_ROUTES_H

#include "gateway/gateway.h"
#include "gateway/http/router.h"

/* For http_server_config; `context` is the gateway. */
void routes_handle(void *context, struct http_request *request);
size_t routes_body_limit(void *context, enum http_method method, const char *path);
void routes_note_end(void *context, const struct http_request *request, int status,
                     size_t size_bytes);
/* The table, for what counts by its rows. */
size_t routes_count(void);
const struct route *routes_at(size_t index);
size_t routes_index(const struct route *route);
/* For ops_server_create: GET /readyz. */
int routes_write_ready(void *context, char *text, size_t size_bytes);

route_handler route_sessions_post;
route_handler route_link;

route_handler route_events_list;
route_handler route_event_get;
route_handler route_layout_get;
route_handler route_seats_get;
route_handler route_live;

route_handler route_queue_get;
route_handler route_queue_join;
route_handler route_queue_claim;
route_handler route_queue_leave;

route_handler route_reserve;
route_handler route_confirm;
route_handler route_cancel;
route_handler route_booking_get;
route_handler route_bookings_list;

route_handler route_admin_venues_post;
route_handler route_admin_events_post;
route_handler route_admin_event_get;
route_handler route_admin_event_patch;
route_handler route_admin_stats_get;

route_handler route_healthz;
route_handler route_readyz;
route_handler route_openapi;
route_handler route_docs;
route_handler route_problem_page;
route_handler route_not_built;

#endif
