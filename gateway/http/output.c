#include "gateway/http/output.h"

#include <errno.h>
#include <stdlib.h>

/* A shared body smaller than this is copied: cheaper than keeping its owner waiting. */
enum { SHARE_MIN_BYTES = 4096 };

struct http_output {
    struct iovec parts[2];
    struct http_share share;
    char copy[];
};

void http_share_release(struct http_share *share) {
    if (share->release)
        share->release(share->context);
    share->release = NULL;
}

static size_t parts_size(const struct iovec parts[2]) {
    return parts[0].iov_len + parts[1].iov_len;
}

/* One call; moves the parts on by what it took. */
static enum http_sent send_parts(struct http_transport *transport, struct iovec parts[2]) {
    ssize_t sent = http_transport_send(transport, parts);
    if (sent < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? HTTP_SENT_NOTHING : HTTP_SENT_BROKEN;
    size_t left = (size_t)sent;
    for (size_t i = 0; i < 2; i++) {
        size_t here = left < parts[i].iov_len ? left : parts[i].iov_len;
        parts[i].iov_base = (char *)parts[i].iov_base + here;
        parts[i].iov_len -= here;
        left -= here;
    }
    return parts_size(parts) == 0 ? HTTP_SENT_ALL : HTTP_SENT_PART;
}

/* NULL without memory; the share is still the caller's then. */
static struct http_output *keep(const struct iovec parts[2], struct http_share share) {
    bool by_reference = share.release && parts[1].iov_len >= SHARE_MIN_BYTES;
    size_t copied = parts[0].iov_len + (by_reference ? 0 : parts[1].iov_len);
    struct http_output *output = malloc(sizeof *output + copied);
    if (!output)
        return NULL;
    *output = (struct http_output){.parts = {parts[0], parts[1]}};
    output->parts[0].iov_base = output->copy;
    memcpy(output->copy, parts[0].iov_base, parts[0].iov_len);
    if (by_reference) {
        output->share = share;
    } else {
        output->parts[1].iov_base = output->copy + parts[0].iov_len;
        memcpy(output->copy + parts[0].iov_len, parts[1].iov_base, parts[1].iov_len);
        http_share_release(&share);
    }
    return output;
}

enum http_sent http_output_start(struct http_transport *transport, const void *head,
                                 size_t head_bytes, const void *body, size_t body_bytes,
                                 struct http_share share, struct http_output **rest) {
    static const char nothing[1] = "";
    struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)head, .iov_len = head_bytes},
        {.iov_base = (void *)(uintptr_t)(body_bytes ? body : nothing), .iov_len = body_bytes},
    };
    enum http_sent sent = send_parts(transport, parts);
    if (sent == HTTP_SENT_PART || sent == HTTP_SENT_NOTHING) {
        *rest = keep(parts, share);
        if (*rest)
            return sent;
        sent = HTTP_SENT_BROKEN;
    }
    http_share_release(&share);
    return sent;
}

enum http_sent http_output_continue(struct http_output *output, struct http_transport *transport) {
    return send_parts(transport, output->parts);
}

void http_output_destroy(struct http_output *output) {
    if (!output)
        return;
    http_share_release(&output->share);
    free(output);
}
