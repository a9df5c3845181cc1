/* status_text: the reason phrases of the status line (RFC 9110, section 15). */
#ifndef USHER_GATEWAY_HTTP_STATUS_TEXT_H
#define USHER_GATEWAY_HTTP_STATUS_TEXT_H

/* Never NULL; "Unknown" for a status that usher does not use. */
const char *http_status_text(int status);

#endif
