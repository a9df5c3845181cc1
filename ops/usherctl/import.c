#include "ops/usherctl/import.h"

#include "ops/usherctl/import_file.h"
#include "ops/usherctl/os_user.h"
#include "ops/usherctl/session.h"
#include "shared/admin_key.h"
#include "shared/catalogue_sql.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>

enum { DAYS_MAX = 3650, HOURS_MAX = 24 * 3650, IMPORT_KEY_SIZE = 128 };

/* --- statements ---------------------------------------------------------------------------- */

static const struct database_statement begin = {.sql = "BEGIN"};
static const struct database_statement commit = {.sql = "COMMIT"};

/* One import at a time, until its transaction ends. */
static const struct database_statement lock_imports = {
    .name = "lock_imports",
    .sql = "LOCK TABLE usher.admin_request IN SHARE ROW EXCLUSIVE MODE",
};

static const struct database_statement has_events = {
    .name = "has_events",
    .sql = "SELECT EXISTS (SELECT FROM usher.event)",
};

/* $1 venue, $2 days from today by its calendar, $3 the time by its clock, $4 hours from now. */
static const struct database_statement relative_times = {
    .name = "relative_times",
    .sql = "SELECT to_char(((clock_timestamp() AT TIME ZONE time_zone)::date + $2 + $3::time)"
           "               AT TIME ZONE time_zone AT TIME ZONE 'UTC',"
           "               'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
           "       to_char((clock_timestamp() + $4 * interval '1 hour') AT TIME ZONE 'UTC',"
           "               'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
           " FROM usher.venue WHERE venue_id = $1",
    .parameter_count = 4,
    .types = {20, 23, 25, 23}, /* int8, int4, text, int4 */
};

static const struct database_statement *const statements[] = {&lock_imports,
                                                              &has_events,
                                                              &relative_times,
                                                              &catalogue_insert_venue,
                                                              &catalogue_insert_event,
                                                              &catalogue_select_venue_facts,
                                                              NULL};

/* --- the import ---------------------------------------------------------------------------- */

struct import {
    const struct import_options *options;
    struct session *session;
    struct os_user user;
    json_t *venues; /* by key: {id, sections} */
    /* where we are */
    const char *path;
    const struct import_file *file;
    const struct import_entry *entry;
    int made, found;
};

/* A line on stderr about the entry in hand. Always false. */
static bool complain(const struct import *import, const char *field, const char *problem) {
    const char *place = import->entry ? import->entry->place : "";
    (void)fprintf(stderr, "usherctl: %s: %s%s%s%s%s\n", import->path, place,
                  place[0] && field[0] ? "." : "", field, place[0] || field[0] ? ": " : "",
                  problem);
    return false;
}

static bool complain_problems(const struct import *import,
                              const struct catalogue_problems *problems) {
    for (uint32_t i = 0; i < problems->count; i++) {
        (void)complain(import, problems->items[i].field, problems->items[i].problem);
    }
    return false;
}

static bool run(struct import *import, struct database_group *group, session_reader *read,
                void *context) {
    return session_run_take(import->session, group, read, context) == STATUS_OK ||
           complain(import, "", session_error(import->session));
}

static bool run_alone(struct import *import, const struct database_statement *statement,
                      session_reader *read, void *context) {
    struct database_group *group = session_group(import->session);
    database_group_add(group, statement);
    return run(import, group, read, context);
}

/* What catalogue_insert_… answered. */
struct inserted {
    bool is_there; /* a row was answered */
    int64_t id;
    bool replayed;
    bool key_reused;
};

static void read_inserted(void *context, PGresult *const *results) {
    struct inserted *inserted = context;
    PGresult *result = results[0];
    inserted->is_there = PQntuples(result) == 1;
    if (inserted->is_there) {
        inserted->id = database_i64(result, 0, PQfnumber(result, "id"));
        inserted->replayed = database_bool(result, 0, PQfnumber(result, "replayed"));
        inserted->key_reused = database_bool(result, 0, PQfnumber(result, "key_reused"));
    }
}

/* The request that a repeated import of the same file repeats. */
struct import_request {
    struct admin_request request;
    char key[IMPORT_KEY_SIZE];
    char *change; /* what is stored, as JSON */
};

/* `document`: the entry, with what only imports know resolved. */
static void make_request(const struct import *import, const json_t *document,
                         struct import_request *made) {
    struct admin_request *request = &made->request;
    (void)snprintf(made->key, sizeof made->key, "import-%s-%s", import->file->hash,
                   import->entry->place);
    char *text = json_dumps(import->entry->document, JSON_COMPACT | JSON_SORT_KEYS);
    ensure(text &&
           EVP_Digest(text, strlen(text), request->body_hash, NULL, EVP_sha256(), NULL) == 1);
    free(text);
    made->change = json_dumps(document, JSON_COMPACT);
    ensure(made->change);
    request->caller = ADMIN_USHERCTL;
    request->idempotency_key = made->key;
    request->note = os_user_note(&import->user, "usherctl import", made->change);
}

/* A venue or an event is stored: its line. */
static bool report(struct import *import, const struct inserted *inserted, const char *what,
                   const char *text) {
    if (inserted->key_reused) {
        return complain(import, "", "another entry was imported from this place before");
    }
    (void)printf("%s %" PRId64 ": %s%s\n", what, inserted->id, text,
                 inserted->replayed ? " (there already)" : "");
    *(inserted->replayed ? &import->found : &import->made) += 1;
    return true;
}

/* Takes a field out of the document that only imports know. *text stays valid until
 * json_decref(*value). */
static bool take_text(const struct import *import, json_t *document, const char *name,
                      json_t **value, const char **text) {
    *text = NULL;
    *value = json_incref(json_object_get(document, name));
    (void)json_object_del(document, name);
    if (*value && !json_is_string(*value)) {
        return complain(import, name, "must be a text");
    }
    *text = json_string_value(*value);
    return true;
}

/* --- venues -------------------------------------------------------------------------------- */

static bool take_layout(const struct import *import, json_t *document, const char *key) {
    const json_t *venue = json_object_get(import->venues, key);
    if (!venue) {
        return complain(import, "layoutOf", "no venue before this one has that key");
    }
    if (json_object_get(document, "sections")) {
        return complain(import, "layoutOf", "a venue has either sections or another's layout");
    }
    ensure(json_object_set(document, "sections", json_object_get(venue, "sections")) == 0);
    return true;
}

static bool store_venue(struct import *import, const json_t *document, const char *key) {
    struct venue_input *venue;
    struct catalogue_problems problems;
    enum status status = venue_input_read(document, &venue, &problems);
    if (status != STATUS_OK) {
        return status == STATUS_INVALID ? complain_problems(import, &problems)
                                        : complain(import, "", status_text(status));
    }
    struct import_request made;
    make_request(import, document, &made);
    struct database_group *group = session_group(import->session);
    catalogue_bind_venue(group, venue, &made.request);
    free(made.change);
    struct inserted inserted;
    char text[2 * CATALOGUE_NAME_MAX_BYTES + 64];
    (void)snprintf(text, sizeof text, "%s, %s, %" PRIu32 " seats",
                   json_string_value(json_object_get(document, "name")),
                   json_string_value(json_object_get(document, "city")),
                   venue_input_seat_count(venue));
    venue_input_free(venue);
    if (!run(import, group, read_inserted, &inserted)) {
        return false;
    }
    if (!inserted.is_there) {
        return complain(import, "timeZone", "the database knows no such time zone");
    }
    if (key) {
        json_t *known = json_pack("{s:I, s:O}", "id", (json_int_t)inserted.id, "sections",
                                  json_object_get(document, "sections"));
        ensure(json_object_set_new(import->venues, key, known) == 0);
    }
    return report(import, &inserted, "venue", text);
}

static bool import_venue(struct import *import, json_t *document) {
    const char *key;
    const char *layout_of;
    json_t *key_value;
    json_t *layout_value;
    bool good = take_text(import, document, "key", &key_value, &key);
    good &= take_text(import, document, "layoutOf", &layout_value, &layout_of);
    if (good && key && json_object_get(import->venues, key)) {
        good = complain(import, "key", "another venue has it");
    }
    good = good && (!layout_of || take_layout(import, document, layout_of));
    good = good && store_venue(import, document, key);
    json_decref(key_value);
    json_decref(layout_value);
    return good;
}

/* --- events -------------------------------------------------------------------------------- */

struct facts_read {
    bool is_there;
    struct venue_facts facts;
};

static void read_facts(void *context, PGresult *const *results) {
    struct facts_read *read = context;
    read->is_there = PQntuples(results[0]) == 1;
    if (read->is_there) {
        catalogue_read_venue_facts(results[0], &read->facts);
    }
}

/* $2 … $4 of relative_times; -1 and NULL where the event has none. */
struct relative {
    int64_t days;
    const char *local_time;
    int64_t hours;
};

static bool take_number(const struct import *import, json_t *document, const char *name,
                        int64_t max, int64_t *number) {
    const json_t *value = json_object_get(document, name);
    *number = value ? json_integer_value(value) : -1;
    if (value && (!json_is_integer(value) || *number < 0 || *number > max)) {
        return complain(import, name, "must be an integer, and not so large");
    }
    (void)json_object_del(document, name);
    return true;
}

/* HH:MM */
static bool is_local_time(const char *text) {
    static const char digits[] = "0123456789";
    return strlen(text) == 5 && strspn(text, digits) == 2 && text[2] == ':' &&
           strspn(text + 3, digits) == 2 && strncmp(text, "24", 2) < 0 && text[3] < '6';
}

struct times_read {
    json_t *document;
};

static void read_times(void *context, PGresult *const *results) {
    static const char *const names[] = {"startTime", "onSaleTime"};
    const struct times_read *read = context;
    for (int i = 0; i < 2 && PQntuples(results[0]) == 1; i++) {
        if (!database_is_null(results[0], 0, i)) {
            json_t *time = json_string(database_text(results[0], 0, i));
            ensure(json_object_set_new(read->document, names[i], time) == 0);
        }
    }
}

static bool resolve_times(struct import *import, json_t *document, int64_t venue_id,
                          const struct relative *relative) {
    if ((relative->days >= 0) != (relative->local_time != NULL)) {
        return complain(import, "startsInDays", "goes together with startLocalTime");
    }
    if (relative->days >= 0 && json_object_get(document, "startTime")) {
        return complain(import, "startsInDays", "the event has a startTime already");
    }
    if (relative->hours >= 0 && json_object_get(document, "onSaleTime")) {
        return complain(import, "onSaleInHours", "the event has an onSaleTime already");
    }
    if (relative->local_time && !is_local_time(relative->local_time)) {
        return complain(import, "startLocalTime", "must be hours and minutes, like 19:30");
    }
    struct database_group *group = session_group(import->session);
    database_group_add(group, &relative_times);
    database_group_i64(group, venue_id);
    if (relative->days >= 0) {
        database_group_i32(group, (int32_t)relative->days);
    } else {
        database_group_null(group);
    }
    database_group_text(group, relative->local_time);
    if (relative->hours >= 0) {
        database_group_i32(group, (int32_t)relative->hours);
    } else {
        database_group_null(group);
    }
    struct times_read read = {document};
    return run(import, group, read_times, &read);
}

/* venueId, startTime and onSaleTime in place of what imports say instead. */
static bool resolve_event(struct import *import, json_t *document) {
    const char *key;
    struct relative relative;
    json_t *key_value;
    json_t *time_value;
    bool good = take_text(import, document, "venue", &key_value, &key);
    good &= take_text(import, document, "startLocalTime", &time_value, &relative.local_time);
    good &= take_number(import, document, "startsInDays", DAYS_MAX, &relative.days);
    good &= take_number(import, document, "onSaleInHours", HOURS_MAX, &relative.hours);
    const json_t *venue = key ? json_object_get(import->venues, key) : NULL;
    if (good && key && !venue) {
        good = complain(import, "venue", "no venue of this import has that key");
    } else if (good && key && json_object_get(document, "venueId")) {
        good = complain(import, "venue", "an event has either venue or venueId");
    } else if (venue) {
        ensure(json_object_set(document, "venueId", json_object_get(venue, "id")) == 0);
    }
    int64_t venue_id = json_integer_value(json_object_get(document, "venueId"));
    good = good && resolve_times(import, document, venue_id, &relative);
    json_decref(key_value);
    json_decref(time_value);
    return good;
}

static bool import_event(struct import *import, json_t *document) {
    if (!resolve_event(import, document)) {
        return false;
    }
    struct facts_read read;
    struct database_group *group = session_group(import->session);
    catalogue_bind_venue_facts(group, json_integer_value(json_object_get(document, "venueId")));
    if (!run(import, group, read_facts, &read)) {
        return false;
    }
    struct event_input *event;
    struct catalogue_problems problems;
    enum status status =
        event_input_read(document, false, read.is_there ? &read.facts : NULL, &event, &problems);
    if (status != STATUS_OK) {
        return status == STATUS_INVALID ? complain_problems(import, &problems)
                                        : complain(import, "", status_text(status));
    }
    if (!read.is_there) {
        event_input_free(event);
        return complain(import, "venueId", "there is no such venue");
    }
    struct import_request made;
    make_request(import, document, &made);
    group = session_group(import->session);
    catalogue_bind_event(group, event, import->options->default_hold_seconds, &made.request);
    free(made.change);
    event_input_free(event);
    struct inserted inserted;
    if (!run(import, group, read_inserted, &inserted)) {
        return false;
    }
    ensure(inserted.is_there); /* its venue was there in this transaction */
    return report(import, &inserted, "event", json_string_value(json_object_get(document, "name")));
}

/* --- files --------------------------------------------------------------------------------- */

static bool import_entries(struct import *import) {
    struct import_entry entry;
    size_t position = 0;
    bool good = true;
    while (good && import_file_next(import->file, &position, &entry)) {
        import->entry = &entry;
        json_t *document = json_copy((json_t *)entry.document);
        if (!json_is_object(document)) {
            good = complain(import, "", "must be an object");
        } else {
            good = entry.kind == IMPORT_VENUE ? import_venue(import, document)
                                              : import_event(import, document);
        }
        json_decref(document);
    }
    import->entry = NULL;
    return good;
}

static bool import_files(struct import *import) {
    for (const char *const *path = import->options->paths; *path; path++) {
        struct import_file file;
        char error[IMPORT_ERROR_SIZE];
        import->path = *path;
        if (import_file_read(&file, *path, error) != STATUS_OK) {
            return complain(import, "", error);
        }
        import->file = &file;
        bool good = import_entries(import);
        import->file = NULL;
        import_file_free(&file);
        if (!good) {
            return false;
        }
    }
    return true;
}

static void read_boolean(void *context, PGresult *const *results) {
    *(bool *)context = database_bool(results[0], 0, 0);
}

static bool import_all(struct import *import) {
    bool has_any = false;
    import->path = "the database";
    if (!run_alone(import, &begin, NULL, NULL) || !run_alone(import, &lock_imports, NULL, NULL) ||
        !run_alone(import, &has_events, read_boolean, &has_any)) {
        return false;
    }
    if (import->options->once && has_any) {
        (void)printf("nothing to do: the catalogue has events already\n");
        return true;
    }
    if (!import_files(import)) {
        return false;
    }
    import->path = "the database";
    if (!run_alone(import, &commit, NULL, NULL)) {
        return false;
    }
    (void)printf("%d made, %d there already\n", import->made, import->found);
    return true;
}

bool import_run(const struct import_options *options) {
    struct import import = {.options = options, .path = ""};
    import.session = session_open(options->database_url, statements);
    if (!import.session) {
        return false;
    }
    os_user_read(&import.user);
    import.venues = json_object();
    bool good = import_all(&import);
    json_decref(import.venues);
    session_close(import.session); /* what was not committed is gone */
    if (!good) {
        (void)fprintf(stderr, "usherctl: nothing was imported\n");
    }
    return good;
}
