#include "ops/benchmarks/crier.h"

#include "ops/benchmarks/crew.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BACKLOG = 4096, SHORT_TEXT_MAX_BYTES = 125 };

struct cry {
    size_t size_bytes;
    uint8_t frame[CRIER_FRAME_MAX_BYTES];
};

struct crier {
    struct crew crew;
    struct cry *cry; /* shared with the crew */
    int bells[CREW_MAX];
    struct sockaddr_storage addresses[CREW_MAX];
};

/* One process's part. */
struct part {
    const struct cry *cry;
    int listening;
    int bell;
    uint32_t count;
    int *fds;
};

static void accept_all(struct part *part) {
    static const int yes = 1;
    int fd;
    while ((fd = accept4(part->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        ensure(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0);
        part->fds = realloc(part->fds, (part->count + 1) * sizeof *part->fds);
        ensure(part->fds != NULL);
        part->fds[part->count++] = fd;
    }
    ensure(errno == EAGAIN);
}

static void work(void *context) {
    struct part *part = context;
    struct pollfd awaited[] = {{.fd = part->listening, .events = POLLIN},
                               {.fd = part->bell, .events = POLLIN}};
    uint64_t rung;
    while (poll(awaited, ARRAY_LEN(awaited), -1) > 0) {
        accept_all(part);
        if (!(awaited[1].revents & POLLIN))
            continue;
        ensure(read(part->bell, &rung, sizeof rung) == sizeof rung);
        for (uint32_t i = 0; i < part->count; i++)
            ensure(write(part->fds[i], part->cry->frame, part->cry->size_bytes) ==
                   (ssize_t)part->cry->size_bytes);
    }
}

static int listen_somewhere(struct sockaddr_storage *address) {
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ensure(fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof any) == 0 &&
           listen(fd, BACKLOG) == 0 && getsockname(fd, (struct sockaddr *)address, &size) == 0);
    return fd;
}

struct crier *crier_create(uint32_t processes) {
    struct crier *crier = calloc(1, sizeof *crier);
    ensure(crier != NULL && processes <= CREW_MAX);
    crier->cry = crew_memory(sizeof *crier->cry);
    for (uint32_t i = 0; i < processes; i++) {
        struct part part = {
            .cry = crier->cry,
            .listening = listen_somewhere(&crier->addresses[i]),
            .bell = eventfd(0, EFD_CLOEXEC),
        };
        ensure(part.bell >= 0);
        crier->bells[i] = part.bell;
        crew_add(&crier->crew, work, &part);
        close(part.listening);
    }
    return crier;
}

const struct sockaddr_storage *crier_addresses(const struct crier *crier) {
    return crier->addresses;
}

void crier_cry(struct crier *crier, const char *text, size_t size_bytes) {
    static const uint64_t once = 1;
    struct cry *cry = crier->cry;
    size_t header = size_bytes > SHORT_TEXT_MAX_BYTES ? 4 : 2;
    ensure(header + size_bytes <= sizeof cry->frame);
    cry->frame[0] = 0x81;
    cry->frame[1] = header == 4 ? 126 : (uint8_t)size_bytes;
    if (header == 4) {
        cry->frame[2] = (uint8_t)(size_bytes >> 8);
        cry->frame[3] = (uint8_t)size_bytes;
    }
    memcpy(cry->frame + header, text, size_bytes);
    cry->size_bytes = header + size_bytes;
    for (uint32_t i = 0; i < crier->crew.count; i++)
        ensure(write(crier->bells[i], &once, sizeof once) == sizeof once);
}

double crier_cpu_seconds(const struct crier *crier) {
    return crew_cpu_seconds(&crier->crew);
}

void crier_destroy(struct crier *crier) {
    if (crier == NULL)
        return;
    for (uint32_t i = 0; i < crier->crew.count; i++)
        close(crier->bells[i]);
    crew_end(&crier->crew);
    ensure(munmap(crier->cry, sizeof *crier->cry) == 0);
    free(crier);
}
