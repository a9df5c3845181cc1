#include "gateway/keep.h"

#include "shared/clock.h"
#include "shared/id_map.h"
#include "shared/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { KEEP_MAGIC = 0x31707575, COMPLAIN_EVERY_US = 60000000, NAMES_MAX = 200000 };

/* In front of each file's data; written as it lies in memory, since only this machine reads it. */
struct head {
    uint32_t magic;
    uint32_t checksum; /* crc32 of the data */
    struct id128 installation;
    int64_t written_us;
    uint64_t size_bytes;
};

struct keep {
    int folder; /* descriptor */
    bool confirmed;
    struct id128 installation;
    uint64_t size_bytes;      /* of all files, about */
    struct id_map *writes_us; /* by hash of the name: when it was written last, malloc'd */
    int64_t complained_us;
    bool has_any;
};

static bool is_ours(const char *name) {
    return strncmp(name, "event-", 6) == 0 || strncmp(name, "layout-", 7) == 0 ||
           strncmp(name, "list-", 5) == 0 || strncmp(name, "seats-", 6) == 0 ||
           strncmp(name, "room-", 5) == 0;
}

/* Calls `visit` for each of our files. */
static void for_each_file(struct keep *keep, void (*visit)(struct keep *keep, const char *name)) {
    int copy = openat(keep->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *file; (file = readdir(folder)) != NULL;) {
        if (is_ours(file->d_name)) {
            visit(keep, file->d_name);
        }
    }
    closedir(folder);
}

static void count_file(struct keep *keep, const char *name) {
    struct stat facts;
    if (fstatat(keep->folder, name, &facts, AT_SYMLINK_NOFOLLOW) == 0) {
        keep->size_bytes += (uint64_t)facts.st_size;
        keep->has_any = true;
    }
}

struct keep *keep_open(const char *home, const char *process) {
    char path[1200];
    (void)snprintf(path, sizeof path, "%s/%s", home, process);
    struct keep *keep = calloc(1, sizeof *keep);
    if (keep == NULL) {
        return NULL;
    }
    bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
    keep->folder = made ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    keep->writes_us = id_map_create(NAMES_MAX);
    if (keep->folder < 0 || keep->writes_us == NULL) {
        log_write(LOG_WARNING, "keep-unusable",
                  "This gateway can't keep copies on its disk: started while the database is down, "
                  "it would have nothing to show.",
                  LOG_TEXT("folder", path), LOG_TEXT("why", strerror(errno)));
        keep_close(keep);
        return NULL;
    }
    for_each_file(keep, count_file);
    return keep;
}

void keep_close(struct keep *keep) {
    if (keep == NULL) {
        return;
    }
    size_t cursor = 0;
    void *written_us = NULL;
    while (keep->writes_us != NULL && id_map_next(keep->writes_us, &cursor, NULL, &written_us)) {
        free(written_us);
    }
    id_map_destroy(keep->writes_us);
    if (keep->folder >= 0) {
        close(keep->folder);
    }
    free(keep);
}

static bool read_head(struct keep *keep, const char *name, struct head *head, int *file) {
    *file = openat(keep->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return *file >= 0 && read(*file, head, sizeof *head) == (ssize_t)sizeof *head &&
           head->magic == KEEP_MAGIC && head->size_bytes <= KEEP_FILE_MAX_BYTES;
}

static void delete_foreign(struct keep *keep, const char *name) {
    struct head head;
    int file = -1;
    if (!read_head(keep, name, &head, &file) ||
        !id128_equal(&head.installation, &keep->installation)) {
        (void)unlinkat(keep->folder, name, 0);
    }
    if (file >= 0) {
        close(file);
    }
}

void keep_confirm(struct keep *keep, const struct id128 *installation) {
    if (keep == NULL || keep->confirmed) {
        return;
    }
    keep->confirmed = true;
    keep->installation = *installation;
    for_each_file(keep, delete_foreign);
    keep->size_bytes = 0;
    keep->has_any = false;
    for_each_file(keep, count_file);
}

static struct id128 key_of(const char *name) {
    uint8_t digest[SHA256_DIGEST_LENGTH];
    struct id128 key;
    (void)SHA256((const unsigned char *)name, strlen(name), digest);
    memcpy(key.bytes, digest, sizeof key.bytes);
    return key;
}

bool keep_wants(struct keep *keep, const char *name, int64_t now_us) {
    if (keep == NULL || !keep->confirmed || keep->size_bytes >= KEEP_LIMIT_BYTES) {
        return false;
    }
    struct id128 key = key_of(name);
    const int64_t *written_us = id_map_get(keep->writes_us, &key);
    return written_us == NULL || now_us - *written_us >= KEEP_AGAIN_SECONDS * INT64_C(1000000);
}

static void note_write(struct keep *keep, const char *name, int64_t now_us) {
    struct id128 key = key_of(name);
    int64_t *written_us = id_map_get(keep->writes_us, &key);
    if (written_us == NULL) {
        written_us = malloc(sizeof *written_us);
        if (written_us == NULL || id_map_put(keep->writes_us, &key, written_us) != STATUS_OK) {
            free(written_us);
            return; /* it is written more often than it need be */
        }
    }
    *written_us = now_us;
}

static bool write_all(int file, const void *data, size_t size_bytes) {
    const char *at = data;
    while (size_bytes > 0) {
        ssize_t written = write(file, at, size_bytes);
        if (written < 0) {
            return false;
        }
        at += written;
        size_bytes -= (size_t)written;
    }
    return true;
}

static void complain(struct keep *keep, const char *name, int64_t now_us) {
    if (now_us - keep->complained_us < COMPLAIN_EVERY_US) {
        return;
    }
    keep->complained_us = now_us;
    log_write(LOG_WARNING, "keep-failed",
              "A copy could not be written to disk; started while the database is down, this "
              "gateway would show an older one or none.",
              LOG_TEXT("file", name), LOG_TEXT("why", strerror(errno)));
}

void keep_write(struct keep *keep, const char *name, const void *data, size_t size_bytes,
                int64_t now_us) {
    char aside[KEEP_NAME_SIZE + 8];
    if (!keep_wants(keep, name, now_us) || size_bytes > KEEP_FILE_MAX_BYTES) {
        return;
    }
    note_write(keep, name, now_us);
    const struct head head = {
        .magic = KEEP_MAGIC,
        .checksum = (uint32_t)crc32(0, data, (uInt)size_bytes),
        .installation = keep->installation,
        .written_us = now_us,
        .size_bytes = size_bytes,
    };
    (void)snprintf(aside, sizeof aside, "new-%s", name);
    int file =
        openat(keep->folder, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool written =
        file >= 0 && write_all(file, &head, sizeof head) && write_all(file, data, size_bytes);
    if (file >= 0) {
        written = close(file) == 0 && written;
    }
    struct stat replaced;
    uint64_t replaced_bytes = fstatat(keep->folder, name, &replaced, AT_SYMLINK_NOFOLLOW) == 0
                                  ? (uint64_t)replaced.st_size
                                  : 0;
    if (!written || renameat(keep->folder, aside, keep->folder, name) != 0) {
        complain(keep, name, now_us);
        (void)unlinkat(keep->folder, aside, 0);
        return;
    }
    keep->size_bytes += sizeof head + size_bytes;
    keep->size_bytes -= replaced_bytes < keep->size_bytes ? replaced_bytes : keep->size_bytes;
    keep->has_any = true;
}

static enum status read_data(int file, const struct head *head, char **data) {
    char *bytes = malloc(head->size_bytes + 1);
    if (bytes == NULL) {
        return STATUS_NO_MEMORY;
    }
    size_t count = 0;
    for (ssize_t got = 1; count < head->size_bytes && got > 0; count += got > 0 ? (size_t)got : 0) {
        got = read(file, bytes + count, head->size_bytes - count);
    }
    if (count != head->size_bytes ||
        (uint32_t)crc32(0, (const Bytef *)bytes, (uInt)count) != head->checksum) {
        free(bytes);
        return STATUS_NOT_FOUND;
    }
    bytes[count] = '\0';
    *data = bytes;
    return STATUS_OK;
}

enum status keep_read(struct keep *keep, const char *name, char **data, size_t *size_bytes,
                      int64_t *written_us) {
    struct head head;
    int file = -1;
    enum status status = STATUS_NOT_FOUND;
    if (keep == NULL) {
        return status;
    }
    bool readable = read_head(keep, name, &head, &file) &&
                    (!keep->confirmed || id128_equal(&head.installation, &keep->installation));
    if (readable) {
        status = read_data(file, &head, data);
        *size_bytes = head.size_bytes;
        *written_us = head.written_us;
    }
    if (file >= 0) {
        close(file);
    }
    return status;
}

int64_t keep_monotonic_us(int64_t written_us) {
    int64_t age_us = clock_wall_us() - written_us;
    return clock_monotonic_us() - (age_us > 0 ? age_us : 0);
}

bool keep_has_any(const struct keep *keep) {
    return keep != NULL && keep->has_any;
}
