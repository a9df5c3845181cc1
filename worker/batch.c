#include "worker/batch_private.h"

#include "shared/catalogue_sql.h"
#include "worker/batch_rows.h"
#include "worker/store.h"

#include <stdlib.h>

struct net_claim {
    uint64_t event_id;
    uint32_t seat;
    struct id128 before; /* zero: nobody */
    struct id128 after;
};

struct batch_patch {
    uint64_t event_id;
    struct event_patch *patch;
};

/* Which statements went out, in order, and how many rows each must touch. */
struct expected_rows {
    enum { EXPECT_NOTHING, EXPECT_FENCE, EXPECT_AFFECTED } kind;
    int64_t rows;
};

struct batch {
    struct shows *shows;
    struct work_list commands;
    struct id_map *booking_index; /* booking id -> place in bookings */
    struct id_map *claim_index;   /* (event, seat) -> place in claims */
    struct batch_booking *bookings;
    size_t booking_count;
    size_t booking_capacity;
    struct net_claim *claims;
    size_t claim_count;
    size_t claim_capacity;
    struct batch_show *items;
    size_t show_count;
    size_t show_capacity;
    struct batch_rooms rooms;
    struct batch_patch patches[BATCH_PATCHES_MAX];
    size_t patch_count;
    bool partitions[PARTITION_COUNT];
    uint64_t epochs[PARTITION_COUNT];
    bool stores_served[PARTITION_COUNT];
    int64_t served_ms[PARTITION_COUNT];
    bool has_expiries;
    bool has_snapshots;
    bool sealed;
    struct expected_rows expected[DATABASE_GROUP_MAX];
    int expected_count;
};

void *batch_grow(void *array, size_t *capacity, size_t count, size_t item_bytes) {
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 16;
    void *grown = reallocarray(array, *capacity, item_bytes);
    ensure(grown);
    return grown;
}

struct batch *batch_create(struct shows *shows) {
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        return NULL;
    batch->shows = shows;
    batch->booking_index = id_map_create(SIZE_MAX / 2);
    batch->claim_index = id_map_create(SIZE_MAX / 2);
    if (!batch->booking_index || !batch->claim_index || !batch_rooms_init(&batch->rooms)) {
        batch_free(batch);
        return NULL;
    }
    return batch;
}

/* What does not stay with a batch that is used again. */
static void let_go(struct batch *batch) {
    for (size_t i = 0; i < batch->show_count; i++) {
        struct batch_show *item = &batch->items[i];
        if (!batch->sealed)
            item->entry->touch = NULL;
        shows_let_go(batch->shows, item->entry);
        free(item->seats);
        free(item->states);
        free(item->room_state);
    }
    for (size_t i = 0; i < batch->patch_count; i++)
        event_patch_free(batch->patches[i].patch);
    work_list_free(&batch->commands);
}

void batch_clear(struct batch *batch) {
    let_go(batch);
    id_map_clear(batch->booking_index);
    id_map_clear(batch->claim_index);
    batch_rooms_empty(&batch->rooms);
    *batch = (struct batch){
        .shows = batch->shows,
        .booking_index = batch->booking_index,
        .claim_index = batch->claim_index,
        .bookings = batch->bookings,
        .booking_capacity = batch->booking_capacity,
        .claims = batch->claims,
        .claim_capacity = batch->claim_capacity,
        .items = batch->items,
        .show_capacity = batch->show_capacity,
        .rooms = batch->rooms,
    };
}

void batch_free(struct batch *batch) {
    if (!batch)
        return;
    let_go(batch);
    free(batch->items);
    free(batch->bookings);
    free(batch->claims);
    batch_rooms_clear(&batch->rooms);
    id_map_destroy(batch->booking_index);
    id_map_destroy(batch->claim_index);
    free(batch);
}

struct work_list *batch_commands(struct batch *batch) {
    return &batch->commands;
}

void batch_push_take(struct batch *batch, struct work *work) {
    batch->has_snapshots |= work->command.kind == COMMAND_SNAPSHOT;
    work_list_push(&batch->commands, work);
}

bool batch_has_snapshots(const struct batch *batch) {
    return batch->has_snapshots;
}

bool batch_is_full(const struct batch *batch) {
    return batch->commands.count >= BATCH_COMMANDS_MAX ||
           batch->booking_count >= BATCH_BOOKINGS_MAX || batch->rooms.turn_count >= BATCH_TURNS_MAX;
}

static bool stores_any_served(const struct batch *batch) {
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        if (batch->stores_served[i])
            return true;
    return false;
}

bool batch_has_writes(const struct batch *batch) {
    return batch->booking_count > 0 || batch->patch_count > 0 ||
           !batch_rooms_is_empty(&batch->rooms) || stores_any_served(batch);
}

bool batch_has_expiries(const struct batch *batch) {
    return batch->has_expiries;
}

bool batch_is_empty(const struct batch *batch) {
    return batch->commands.count == 0 && !batch_has_writes(batch);
}

void batch_fence(struct batch *batch, uint32_t partition, uint64_t epoch) {
    ensure(!batch->partitions[partition] || batch->epochs[partition] == epoch);
    batch->partitions[partition] = true;
    batch->epochs[partition] = epoch;
}

bool batch_has_partition(const struct batch *batch, uint32_t partition) {
    return batch->partitions[partition];
}

void batch_add_served(struct batch *batch, uint32_t partition, int64_t served_ms) {
    ensure(batch->partitions[partition]);
    batch->stores_served[partition] = true;
    batch->served_ms[partition] = served_ms;
}

/* The entry's `touch` is the position of its record plus one: the array may move. */
static struct batch_show *touch_show(struct batch *batch, struct show_entry *entry) {
    ensure(!batch->sealed);
    if (entry->touch)
        return &batch->items[(uintptr_t)entry->touch - 1];
    batch->items =
        batch_grow(batch->items, &batch->show_capacity, batch->show_count, sizeof *batch->items);
    struct batch_show *item = &batch->items[batch->show_count++];
    *item = (struct batch_show){.entry = entry, .from = entry->version, .version = entry->version};
    entry->touch = (void *)(uintptr_t)batch->show_count;
    entry->users++;
    return item;
}

static void touch_seat(struct batch_show *item, uint32_t seat) {
    size_t capacity = item->seat_capacity;
    item->seats = batch_grow(item->seats, &capacity, item->seat_count, sizeof *item->seats);
    item->seat_capacity = (uint32_t)capacity;
    item->seats[item->seat_count++] = seat;
}

size_t batch_find_place(const struct id_map *map, const struct id128 *key) {
    return (size_t)(uintptr_t)id_map_get(map, key);
}

void batch_put_place(struct id_map *map, const struct id128 *key, size_t place) {
    ensure(id_map_put(map, key, (void *)(uintptr_t)place) == STATUS_OK);
}

static struct batch_booking *find_or_add_booking(struct batch *batch, struct show_entry *entry,
                                                 const struct show_change *change) {
    size_t place = batch_find_place(batch->booking_index, &change->booking.id);
    if (place > 0) {
        struct batch_booking *net = &batch->bookings[place - 1];
        ensure(net->after.status == change->before &&
               id128_equal(&net->after.user, &change->user_before));
        return net;
    }
    batch->bookings = batch_grow(batch->bookings, &batch->booking_capacity, batch->booking_count,
                                 sizeof *batch->bookings);
    struct batch_booking *net = &batch->bookings[batch->booking_count++];
    batch_put_place(batch->booking_index, &change->booking.id, batch->booking_count);
    net->entry = entry;
    net->before = change->before;
    net->user_before = change->user_before;
    net->contact_name = "";
    net->contact_email = "";
    return net;
}

static void move_claim(struct batch *batch, uint64_t event_id, uint32_t seat,
                       const struct id128 *from, const struct id128 *to) {
    struct id128 key = id128_of_u64(event_id);
    memcpy(key.bytes + sizeof event_id, &seat, sizeof seat);
    size_t place = batch_find_place(batch->claim_index, &key);
    if (place == 0) {
        batch->claims = batch_grow(batch->claims, &batch->claim_capacity, batch->claim_count,
                                   sizeof *batch->claims);
        batch->claims[batch->claim_count++] =
            (struct net_claim){.event_id = event_id, .seat = seat, .before = *from, .after = *from};
        place = batch->claim_count;
        batch_put_place(batch->claim_index, &key, place);
    }
    struct net_claim *net = &batch->claims[place - 1];
    ensure(id128_equal(&net->after, from));
    net->after = *to;
}

void batch_add_change(struct batch *batch, struct show_entry *entry,
                      const struct show_change *change, const struct work *work) {
    static const struct id128 nobody;
    const struct booking *booking = &change->booking;
    struct batch_show *item = touch_show(batch, entry);
    struct batch_booking *net = find_or_add_booking(batch, entry, change);
    batch->has_expiries |= !work;
    net->after = *booking;
    if (work && work->command.kind == COMMAND_CONFIRM) {
        net->contact_name = work->command.contact_name;
        net->contact_email = work->command.contact_email;
    }
    bool takes = change->before == BOOKING_NONE;
    bool frees = booking->status == BOOKING_CANCELLED || booking->status == BOOKING_EXPIRED;
    bool stays = booking->status == change->before; /* transferred: no seat looks different */
    for (uint32_t i = 0; i < booking->seat_count && !stays; i++) {
        touch_seat(item, booking->seats[i]);
        if (takes)
            move_claim(batch, entry->event_id, booking->seats[i], &nobody, &booking->id);
        else if (frees)
            move_claim(batch, entry->event_id, booking->seats[i], &booking->id, &nobody);
    }
}

void batch_add_room_changes(struct batch *batch, struct show_entry *entry,
                            const struct room_changes *changes, const struct work *work) {
    if (changes->count == 0)
        return;
    touch_show(batch, entry)->room_changed = true;
    batch->has_expiries |= !work;
    for (size_t i = 0; i < changes->count; i++)
        batch_rooms_add(&batch->rooms, entry, &changes->items[i]);
}

bool batch_takes_patches(const struct batch *batch) {
    return batch->patch_count < BATCH_PATCHES_MAX;
}

void batch_add_patch_take(struct batch *batch, struct show_entry *entry,
                          struct event_patch *patch) {
    ensure(batch_takes_patches(batch));
    touch_show(batch, entry)->room_changed = true;
    batch->patches[batch->patch_count++] =
        (struct batch_patch){.event_id = entry->event_id, .patch = patch};
}

static int compare_seats(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* What the shows' readers are told: each touched seat once, as it is now. (By the time of the
 * commit the engine may be ahead.) */
static void seal_seats(struct batch_show *item) {
    qsort(item->seats, item->seat_count, sizeof *item->seats, compare_seats);
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < item->seat_count; i++)
        if (i == 0 || item->seats[i] != item->seats[i - 1])
            item->seats[distinct++] = item->seats[i];
    item->seat_count = distinct;
    item->states = malloc(distinct * sizeof *item->states);
    ensure(item->states);
    for (uint32_t i = 0; i < distinct; i++)
        item->states[i] = show_seat_state(item->entry->show, item->seats[i]);
}

void batch_seal(struct batch *batch) {
    for (size_t i = 0; i < batch->show_count; i++) {
        struct batch_show *item = &batch->items[i];
        if (item->seat_count > 0) {
            item->version = ++item->entry->version;
            seal_seats(item);
        }
        struct show_counts counts = show_count(item->entry->show);
        item->seats_available = counts.seats[SEAT_AVAILABLE];
        item->open_holds = counts.open_holds;
        item->entry->touch = NULL;
    }
    batch->sealed = true;
}

size_t batch_show_count(const struct batch *batch) {
    return batch->show_count;
}

struct batch_show *batch_show_at(struct batch *batch, size_t index) {
    return &batch->items[index];
}

size_t batch_turns(const struct batch *batch, const struct batch_turn **turns) {
    *turns = batch->rooms.turns;
    return batch->rooms.turn_count;
}

size_t batch_bookings(const struct batch *batch, const struct batch_booking **bookings) {
    *bookings = batch->bookings;
    return batch->booking_count;
}

/* --- to the database */

static void expect(struct batch *batch, int kind, size_t rows) {
    ensure(batch->expected_count < DATABASE_GROUP_MAX);
    batch->expected[batch->expected_count++] =
        (struct expected_rows){.kind = kind, .rows = (int64_t)rows};
}

static void add_fence(struct batch *batch, struct database_group *group, bool locks) {
    int16_t ids[PARTITION_COUNT];
    int64_t epochs[PARTITION_COUNT];
    size_t count = 0;
    for (int16_t i = 0; i < PARTITION_COUNT; i++) {
        if (!batch->partitions[i])
            continue;
        ids[count] = i;
        epochs[count++] = (int64_t)batch->epochs[i];
    }
    database_group_add(group, locks ? &store_fence_lock : &store_fence_look);
    database_group_i16_array(group, ids, count);
    database_group_i64_array(group, epochs, count);
    expect(batch, EXPECT_FENCE, count);
}

static void add_booking_rows(struct batch *batch, struct database_group *group) {
    struct booking_insert_rows inserts = {0};
    struct booking_update_rows updates = {0};
    for (size_t i = 0; i < batch->booking_count; i++) {
        const struct batch_booking *net = &batch->bookings[i];
        if (net->before == BOOKING_NONE)
            booking_insert_rows_add(&inserts, &net->after, net->contact_name, net->contact_email);
        else
            booking_update_rows_add(&updates, net->before, &net->user_before, &net->after,
                                    net->contact_name, net->contact_email);
    }
    if (inserts.count > 0) {
        booking_insert_rows_bind(&inserts, group);
        expect(batch, EXPECT_AFFECTED, inserts.count);
    }
    if (updates.count > 0) {
        booking_update_rows_bind(&updates, group);
        expect(batch, EXPECT_AFFECTED, updates.count);
    }
    booking_insert_rows_free(&inserts);
    booking_update_rows_free(&updates);
}

static void add_claim_rows(struct batch *batch, struct database_group *group) {
    struct claim_rows freed = {0};
    struct claim_rows moved = {0};
    struct claim_rows taken = {0};
    for (size_t i = 0; i < batch->claim_count; i++) {
        const struct net_claim *net = &batch->claims[i];
        if (id128_equal(&net->before, &net->after))
            continue; /* taken and freed within the batch */
        struct claim_rows *rows = id128_is_zero(&net->after)    ? &freed
                                  : id128_is_zero(&net->before) ? &taken
                                                                : &moved;
        claim_rows_add(rows, net->event_id, net->seat, &net->before, &net->after);
    }
    const struct {
        struct claim_rows *rows;
        const struct database_statement *statement;
        bool before, after;
    } statements[] = {
        {&freed, &store_delete_claims, true, false},
        {&moved, &store_update_claims, true, true},
        {&taken, &store_insert_claims, false, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        struct claim_rows *rows = statements[i].rows;
        if (rows->count > 0) {
            claim_rows_bind(rows, group, statements[i].statement, statements[i].before,
                            statements[i].after);
            expect(batch, EXPECT_AFFECTED, rows->count);
        }
        claim_rows_free(rows);
    }
}

static void add_room_rows(struct batch *batch, struct database_group *group) {
    size_t rows[BATCH_ROOMS_STATEMENTS];
    size_t count = batch_rooms_bind(&batch->rooms, group, rows);
    for (size_t i = 0; i < count; i++)
        expect(batch, EXPECT_AFFECTED, rows[i]);
}

static void add_show_rows(struct batch *batch, struct database_group *group) {
    struct show_rows rows = {0};
    for (size_t i = 0; i < batch->show_count; i++) {
        const struct batch_show *item = &batch->items[i];
        if (item->version != item->from)
            show_rows_add(&rows, item->entry->event_id, item->from, item->version,
                          item->seats_available, item->open_holds);
    }
    if (rows.count > 0) {
        show_rows_bind(&rows, group);
        expect(batch, EXPECT_AFFECTED, rows.count);
    }
    show_rows_free(&rows);
}

static void add_served_rows(struct batch *batch, struct database_group *group) {
    int16_t ids[PARTITION_COUNT];
    int64_t served[PARTITION_COUNT];
    size_t count = 0;
    for (int16_t i = 0; i < PARTITION_COUNT; i++) {
        if (!batch->stores_served[i])
            continue;
        ids[count] = i;
        served[count++] = batch->served_ms[i];
    }
    if (count == 0)
        return;
    database_group_add(group, &store_update_served);
    database_group_i16_array(group, ids, count);
    database_group_i64_array(group, served, count);
    expect(batch, EXPECT_AFFECTED, count);
}

enum status batch_send(struct batch *batch, struct database_session *session, bool fenced,
                       database_answer_handler *on_answer, void *context) {
    ensure(batch->sealed);
    bool writes = batch_has_writes(batch);
    struct database_group *group = database_group_create(session);
    batch->expected_count = 0;
    if (writes) {
        database_group_add(group, &store_begin);
        expect(batch, EXPECT_NOTHING, 0);
    }
    if (fenced || !writes)
        add_fence(batch, group, writes);
    if (writes) {
        add_booking_rows(batch, group);
        add_claim_rows(batch, group);
        add_room_rows(batch, group);
        for (size_t i = 0; i < batch->patch_count; i++) {
            catalogue_bind_update(group, batch->patches[i].event_id, batch->patches[i].patch);
            expect(batch, EXPECT_AFFECTED, 1);
        }
        add_show_rows(batch, group);
        add_served_rows(batch, group);
    }
    return database_group_send_take(group, on_answer, context);
}

static bool find_lost(const struct batch *batch, const PGresult *fence,
                      bool lost[PARTITION_COUNT]) {
    memcpy(lost, batch->partitions, PARTITION_COUNT * sizeof lost[0]);
    for (int row = 0; row < PQntuples(fence); row++)
        lost[database_i16(fence, row, 0)] = false;
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        if (lost[i])
            return true;
    return false;
}

enum batch_outcome batch_check(const struct batch *batch, const struct database_answer *answer,
                               bool lost[PARTITION_COUNT]) {
    ensure(answer->outcome == DATABASE_DONE && answer->count == batch->expected_count);
    enum batch_outcome outcome = BATCH_WRITTEN;
    for (int i = 0; i < answer->count; i++) {
        const struct expected_rows *expected = &batch->expected[i];
        if (expected->kind == EXPECT_FENCE && find_lost(batch, answer->results[i], lost))
            return BATCH_FENCED;
        if (expected->kind == EXPECT_AFFECTED &&
            database_rows_affected(answer->results[i]) != expected->rows)
            outcome = BATCH_MISMATCH;
    }
    return outcome;
}

void batch_note_stored(const struct batch *batch, struct partitions *partitions) {
    for (size_t i = 0; i < PARTITION_COUNT; i++)
        if (batch->stores_served[i])
            partitions->items[i].served.stored_ms = batch->served_ms[i];
}
