#include "gateway/owners.h"

static const int64_t silence_us = (int64_t)OWNER_SILENCE_MS * 1000;

void owners_init(struct owners *owners, int64_t now_us) {
    *owners = (struct owners){.started_us = now_us};
}

/* `heard_us` of a partition that was given up: the moment from which nobody owns it, as if it had
 * been silent until now. */
static void give_up(struct owner *owner, int64_t now_us) {
    owner->instance = 0;
    owner->heard_us = now_us;
}

uint64_t owners_announced(struct owners *owners, const struct wire_owners *announced,
                          int64_t now_us) {
    uint64_t changed = 0;
    uint64_t listed = 0;
    for (uint32_t i = 0; i < announced->count; i++) {
        const struct wire_owner *news = &announced->owners[i];
        struct owner *owner = &owners->partitions[news->partition];
        listed |= UINT64_C(1) << news->partition;
        if (news->epoch < owner->epoch) {
            continue;
        }
        if (news->epoch > owner->epoch || owner->instance != announced->instance) {
            changed |= UINT64_C(1) << news->partition;
        }
        *owner = (struct owner){
            .instance = announced->instance, .epoch = news->epoch, .heard_us = now_us};
    }
    for (uint32_t partition = 0; partition < PARTITION_COUNT; partition++) {
        struct owner *owner = &owners->partitions[partition];
        if (owner->instance == announced->instance && (listed >> partition & 1) == 0) {
            give_up(owner, now_us);
        }
    }
    return changed;
}

const struct owner *owners_find(const struct owners *owners, uint32_t partition, int64_t now_us) {
    const struct owner *owner = &owners->partitions[partition];
    bool known = owner->instance != 0 && now_us - owner->heard_us <= silence_us;
    return known ? owner : NULL;
}

int64_t owners_missing_us(const struct owners *owners, uint32_t partition, int64_t now_us) {
    const struct owner *owner = &owners->partitions[partition];
    if (owners_find(owners, partition, now_us) != NULL) {
        return 0;
    }
    if (owner->instance != 0) {
        return now_us - owner->heard_us - silence_us;
    }
    return now_us - (owner->heard_us > 0 ? owner->heard_us : owners->started_us);
}

uint32_t owners_known(const struct owners *owners, int64_t now_us) {
    uint32_t known = 0;
    for (uint32_t partition = 0; partition < PARTITION_COUNT; partition++) {
        known += owners_find(owners, partition, now_us) != NULL;
    }
    return known;
}
