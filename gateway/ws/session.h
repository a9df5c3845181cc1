/*
 * session: open WebSockets, each on a connection taken over from the HTTP server, plain or over
 * TLS. A session knows RFC 6455 and nothing of what is said: texts are handed to its owner, and
 * frames of the owner's are sent. Pings and closing are its own affair.
 *
 *   OPEN --ws_session_close, too slow a reader--> CLOSING --the peer's close frame--> ENDING
 *   OPEN --the peer's close frame, a violation--> ENDING
 *   ENDING, and any other --the peer leaves, a time limit--> CLOSED
 *
 *   OPEN     texts arrive and frames are sent
 *   CLOSING  our close frame is on its way or sent; what arrives is dropped, up to the peer's
 *   ENDING   both have said it (or what the peer says can't be read any more): when all is sent
 *            the connection is shut down for writing, and input dropped until the peer closes
 *   CLOSED   no descriptor any more; on_closed is called and memory freed after the loop's turn
 *
 * CLOSING and ENDING together last at most `close_ms`.
 *
 * Sending. A frame (frame.h) is encoded once and shared by all sessions that send it. Each tries
 * its socket at once; what the socket does not take is kept by reference, at most
 * WS_UNSENT_MAX_BYTES and WS_UNSENT_MAX_FRAMES. Who reads more slowly than that is closed with
 * 1013; what it has not got by then is dropped, except for the frame that has already begun. The
 * kernel is asked to keep no more than WS_KERNEL_UNSENT_BYTES unsent, or megabytes of old news
 * would wait there.
 *
 * Receiving: at most WS_INPUT_BYTES and WS_ITEMS_PER_WAKE messages and control frames of a session
 * in one wake-up. A ping is sent every `ping_ms` (the first one up to half of that earlier, so that
 * sessions that were opened together spread); if its pong has not come by the next, the connection
 * is given up. One timer wheel for all sessions, no timer each.
 *
 * Memory: an idle session costs at most WS_IDLE_BYTES here, and no buffer.
 *
 * Callbacks come from the loop only, never from within a call of the owner's: so an owner may walk
 * over its sessions and send. Single-threaded.
 */
#ifndef USHER_GATEWAY_WS_SESSION_H
#define USHER_GATEWAY_WS_SESSION_H

#include "gateway/http/http.h"
#include "gateway/ws/frame.h"

enum {
    WS_PING_MS = 30000,
    WS_CLOSE_MS = 2000,
    WS_UNSENT_MAX_BYTES = 256 * 1024,
    WS_UNSENT_MAX_FRAMES = 256,
    WS_KERNEL_UNSENT_BYTES = 64 * 1024,
    WS_INPUT_BYTES = 8 * 1024,
    WS_ITEMS_PER_WAKE = 64,
    WS_IDLE_BYTES = 384,
};

struct ws_session;
struct ws_sessions;

struct ws_sessions_config {
    int64_t ping_ms;  /* WS_PING_MS */
    int64_t close_ms; /* WS_CLOSE_MS */
    /* `text` is UTF-8, not NUL-terminated, and only there during the call. The session may be sent
     * to and closed in it. */
    void (*on_text)(void *context, struct ws_session *session, const char *text, size_t size_bytes);
    /* Once for every session, however it ended; afterwards it must not be touched. `code` is what
     * the close frame said that came first, ours or the peer's; WS_CLOSE_ABNORMAL: there was none.
     */
    void (*on_closed)(void *context, struct ws_session *session, uint16_t code);
};

/* NULL without memory. */
MUST_CHECK struct ws_sessions *ws_sessions_create(struct event_base *base,
                                                  const struct ws_sessions_config *config);
/* Closes every session with 1001, some in each turn of the loop; those that are opened from now on
 * as well. Their server counts them until they are closed (http_server_drain waits for them). */
void ws_sessions_drain(struct ws_sessions *sessions);
/* Cuts every connection; on_closed is called for all. Before the http_servers that they came from
 * are destroyed, and not in a callback. NULL is allowed. */
void ws_sessions_destroy(struct ws_sessions *sessions);
/* Those that are not closed yet. */
uint32_t ws_sessions_count(const struct ws_sessions *sessions);

/* Takes over what http_upgrade gave; what has come already is handed out from the loop. `context`
 * is the owner's, for the callbacks. NULL without memory: the connection is closed. */
MUST_CHECK struct ws_session *ws_session_open(struct ws_sessions *sessions,
                                              const struct http_taken *taken, void *context);
/* Sends; holds the frame as long as it needs it. Nothing happens unless the session is OPEN. */
void ws_session_send(struct ws_session *session, struct ws_frame *frame);
/* Says goodbye; nothing more is handed out or sent. Nothing happens unless the session is OPEN. */
void ws_session_close(struct ws_session *session, uint16_t code, const char *reason);

#endif
