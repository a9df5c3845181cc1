#include "gateway/routes/routes.h"

#include "gateway/access_log.h"
#include "gateway/admission.h"
#include "gateway/answers.h"
#include "gateway/http/cors.h"
#include "gateway/numbers.h"

static const struct route routes[] = {
    {HTTP_METHOD_POST, "/sessions", route_sessions_post, 0},
    {HTTP_METHOD_POST, "/sessions/link", route_link, 0},

    {HTTP_METHOD_GET, "/events", route_events_list, 0},
    {HTTP_METHOD_GET, "/events/{id}", route_event_get, 0},
    {HTTP_METHOD_GET, "/events/{id}/layout", route_layout_get, 0},
    {HTTP_METHOD_GET, "/events/{id}/seats", route_seats_get, 0},

    {HTTP_METHOD_POST, "/bookings/reserve", route_reserve, 0},
    {HTTP_METHOD_GET, "/bookings", route_bookings_list, 0},
    {HTTP_METHOD_GET, "/bookings/{id}", route_booking_get, 0},
    {HTTP_METHOD_POST, "/bookings/{id}/confirm", route_confirm, 0},
    {HTTP_METHOD_POST, "/bookings/{id}/cancel", route_cancel, 0},

    {HTTP_METHOD_GET, "/events/{id}/live", route_live, 0},
    {HTTP_METHOD_GET, "/events/{id}/queue", route_queue_get, 0},
    {HTTP_METHOD_POST, "/events/{id}/queue", route_queue_join, 0},
    {HTTP_METHOD_DELETE, "/events/{id}/queue", route_queue_leave, 0},
    {HTTP_METHOD_POST, "/events/{id}/queue/claim", route_queue_claim, 0},
    {HTTP_METHOD_POST, "/events/{id}/waitlist", route_not_built, 0},
    {HTTP_METHOD_GET, "/events/{id}/waitlist/{entryId}", route_not_built, 0},
    {HTTP_METHOD_DELETE, "/events/{id}/waitlist/{entryId}", route_not_built, 0},

    {HTTP_METHOD_POST, "/admin/venues", route_admin_venues_post, ROUTE_ADMIN_BODY},
    {HTTP_METHOD_POST, "/admin/events", route_admin_events_post, ROUTE_ADMIN_BODY},
    {HTTP_METHOD_GET, "/admin/events/{id}", route_admin_event_get, 0},
    {HTTP_METHOD_PATCH, "/admin/events/{id}", route_admin_event_patch, ROUTE_ADMIN_BODY},
    {HTTP_METHOD_GET, "/admin/events/{id}/stats", route_admin_stats_get, 0},

    {HTTP_METHOD_GET, "/healthz", route_healthz, 0},
    {HTTP_METHOD_GET, "/readyz", route_readyz, 0},
    {HTTP_METHOD_GET, "/openapi.json", route_openapi, 0},
    {HTTP_METHOD_GET, "/docs", route_docs, 0},
    {HTTP_METHOD_GET, "/problems/{code}", route_problem_page, 0},
};

void routes_handle(void *context, struct http_request *request) {
    const char *path = http_request_path(request);
    struct route_match match;
    char allow[ROUTE_ALLOW_SIZE];
    enum route_result result =
        router_match(routes, ARRAY_LEN(routes), http_request_method(request), path, &match);
    const struct route *route = result == ROUTE_FOUND ? match.route : NULL;
    http_request_set_tag(request, route);
    if (!admission_take(((struct gateway *)context)->admission, request, route)) {
        return;
    }
    switch (result) {
    case ROUTE_FOUND:
        match.route->handler(context, request, &match);
        break;
    case ROUTE_NOT_FOUND:
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
        break;
    case ROUTE_METHOD_NOT_ALLOWED:
        http_answer_header(request, "Allow", router_allow(routes, ARRAY_LEN(routes), path, allow));
        if (http_request_method(request) == HTTP_METHOD_OPTIONS) {
            cors_answer_preflight(((struct gateway *)context)->cors, request, allow);
            http_respond(request, 204, NULL, NULL, 0);
            break;
        }
        answer_refuse(request, PROBLEM_METHOD_NOT_ALLOWED, NULL, NULL);
        break;
    }
}

size_t routes_body_limit(void *context, enum http_method method, const char *path) {
    (void)context;
    return router_body_limit(routes, ARRAY_LEN(routes), method, path);
}

void routes_note_end(void *context, const struct http_request *request, int status,
                     size_t size_bytes) {
    struct gateway *gateway = context;
    const struct route *route = http_request_tag(request);
    int64_t now_us = clock_monotonic_us();
    const struct access_entry entry = {
        .request_id = http_request_id(request),
        .method = router_method_text(http_request_method(request)),
        .route = route != NULL ? route->pattern : "",
        .status = status,
        .size_bytes = size_bytes,
        .took_us = now_us - http_request_started_us(request),
    };
    numbers_request(gateway->numbers, route, status, entry.took_us,
                    access_log_is_slow(&gateway->access_log, entry.took_us));
    access_log_note(&gateway->access_log, &entry, now_us);
}

size_t routes_count(void) {
    return ARRAY_LEN(routes);
}

const struct route *routes_at(size_t index) {
    ensure(index < ARRAY_LEN(routes));
    return &routes[index];
}

size_t routes_index(const struct route *route) {
    return (size_t)(route - routes);
}
