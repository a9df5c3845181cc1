#include "ops/usherctl/import_file.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

/* What is read is hashed on the way. */
struct source {
    FILE *in;
    EVP_MD_CTX *digest;
};

static size_t read_and_hash(void *buffer, size_t size_bytes, void *context) {
    struct source *source = context;
    size_t read = fread(buffer, 1, size_bytes, source->in);
    ensure(EVP_DigestUpdate(source->digest, buffer, read) == 1);
    return read;
}

static json_t *load(struct source *source, char hash[65], char error[IMPORT_ERROR_SIZE]) {
    source->digest = EVP_MD_CTX_new();
    ensure(source->digest && EVP_DigestInit_ex(source->digest, EVP_sha256(), NULL) == 1);
    json_error_t where;
    json_t *document = json_load_callback(read_and_hash, source, JSON_REJECT_DUPLICATES, &where);
    unsigned char bytes[32];
    ensure(EVP_DigestFinal_ex(source->digest, bytes, NULL) == 1);
    EVP_MD_CTX_free(source->digest);
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(hash + 2 * i, 3, "%02x", bytes[i]);
    }
    if (ferror(source->in)) {
        (void)snprintf(error, IMPORT_ERROR_SIZE, "can't be read: %s", strerror(errno));
        json_decref(document);
        return NULL;
    }
    if (!document) {
        (void)snprintf(error, IMPORT_ERROR_SIZE, "line %d is not JSON: %s", where.line, where.text);
    }
    return document;
}

static bool is_bundle(const json_t *document) {
    return json_object_get(document, "venues") || json_object_get(document, "events");
}

static bool check_bundle(json_t *document, char error[IMPORT_ERROR_SIZE]) {
    const char *name;
    json_t *value;
    json_object_foreach(document, name, value) {
        if (strcmp(name, "venues") != 0 && strcmp(name, "events") != 0) {
            (void)snprintf(error, IMPORT_ERROR_SIZE,
                           "has \"%.80s\"; beside \"venues\" and \"events\" there is nothing",
                           name);
            return false;
        }
        if (!json_is_array(value)) {
            (void)snprintf(error, IMPORT_ERROR_SIZE, "\"%s\" must be a list", name);
            return false;
        }
    }
    return true;
}

enum status import_file_read(struct import_file *file, const char *path,
                             char error[IMPORT_ERROR_SIZE]) {
    struct source source = {.in = fopen(path, "rb")};
    if (!source.in) {
        (void)snprintf(error, IMPORT_ERROR_SIZE, "can't be read: %s", strerror(errno));
        return STATUS_INVALID;
    }
    file->document = load(&source, file->hash, error);
    (void)fclose(source.in);
    if (!file->document) {
        return STATUS_INVALID;
    }
    if (is_bundle(file->document) && !check_bundle(file->document, error)) {
        import_file_free(file);
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

void import_file_free(struct import_file *file) {
    json_decref(file->document);
}

static enum import_kind kind_of(const json_t *document) {
    return json_object_get(document, "sections") || json_object_get(document, "layoutOf")
               ? IMPORT_VENUE
               : IMPORT_EVENT;
}

bool import_file_next(const struct import_file *file, size_t *position,
                      struct import_entry *entry) {
    size_t index = (*position)++;
    if (is_bundle(file->document)) {
        const json_t *venues = json_object_get(file->document, "venues");
        size_t venue_count = json_array_size(venues);
        entry->kind = index < venue_count ? IMPORT_VENUE : IMPORT_EVENT;
        if (entry->kind == IMPORT_EVENT) {
            index -= venue_count;
        }
        entry->document = entry->kind == IMPORT_VENUE
                              ? json_array_get(venues, index)
                              : json_array_get(json_object_get(file->document, "events"), index);
        (void)snprintf(entry->place, sizeof entry->place, "%s[%zu]",
                       entry->kind == IMPORT_VENUE ? "venues" : "events", index);
        return entry->document != NULL;
    }
    bool is_list = json_is_array(file->document);
    entry->document = is_list      ? json_array_get(file->document, index)
                      : index == 0 ? file->document
                                   : NULL;
    entry->kind = kind_of(entry->document);
    (void)snprintf(entry->place, sizeof entry->place, is_list ? "[%zu]" : "%.0zu", index);
    return entry->document != NULL;
}
