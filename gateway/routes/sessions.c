#include "gateway/answers.h"
#include "gateway/auth.h"
#include "gateway/input.h"
#include "gateway/routes/routes.h"
#include "shared/ids.h"

/* POST /sessions: a guest. Nothing is stored; the token says it all. */
void route_sessions_post(void *context, struct http_request *request,
                         const struct route_match *match) {
    (void)match;
    struct gateway *gateway = context;
    if (!auth_takes_guests(gateway)) {
        answer_refuse(request, PROBLEM_GUESTS_NOT_ALLOWED, "Log in at the site's account.", NULL);
        return;
    }
    if (!input_nothing(request)) {
        return;
    }
    const struct database_clock *clock = reads_clock(gateway->reads);
    if (!gateway->installation.known || !database_clock_known(clock)) {
        answer_refuse(request, PROBLEM_BOOKING_UNAVAILABLE, NULL, NULL);
        return;
    }
    const struct session session = {
        .installation = gateway->installation.id,
        .user = id128_random(),
        .guest = true,
        .expires_us =
            database_clock_now_us(clock) + (int64_t)TOKEN_SESSION_DAYS * 24 * 3600 * 1000000,
    };
    char token[TOKEN_TEXT_MAX];
    char user[ID128_TEXT_SIZE];
    token_sign_session(&gateway->installation.session_keys, &session, token);
    struct text text = {0};
    text_put(&text, "{\"token\":");
    text_json(&text, token);
    text_format(&text, ",\"userId\":\"%s\",\"expiresAt\":", id128_to_text(&session.user, user));
    text_time(&text, session.expires_us);
    text_put(&text, "}");
    answer_json_take(request, 201, &text);
}
