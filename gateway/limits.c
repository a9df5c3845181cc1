#include "gateway/limits.h"

#include <stdlib.h>

enum { NANOSECONDS = 1000 /* in a microsecond */ };

struct bucket {
    struct id128 id;
    int64_t full_ns; /* when it is full again; in the past: it is, and may be anybody's */
    uint8_t class;
    uint8_t who;
};

struct limits {
    uint64_t seed;
    struct bucket buckets[LIMITS_BUCKETS];
};

static const char *const class_texts[LIMITS_CLASS_COUNT] = {
    [LIMITS_LOOKING] = "looking",
    [LIMITS_SESSIONS] = "sessions",
    [LIMITS_BOOKING] = "booking",
    [LIMITS_ADMIN] = "admin",
};

const char *limits_class_text(enum limits_class class) {
    return class_texts[class];
}

const char *limits_who_text(enum limits_who who) {
    return who == LIMITS_USER ? "user" : "address";
}

static bool read_number(const char **at, uint32_t *number) {
    const char *start = *at;
    for (*number = 0; **at >= '0' && **at <= '9' && *number <= LIMITS_RATE_MAX; ++*at)
        *number = *number * 10 + (uint32_t)(**at - '0');
    return *at > start && *number <= LIMITS_RATE_MAX;
}

bool limit_from_text(const char *text, struct limit *limit) {
    *limit = (struct limit){0};
    if (strcmp(text, "0") == 0)
        return true;
    return read_number(&text, &limit->rate) && *text++ == '/' &&
           read_number(&text, &limit->burst) && *text == '\0' && limit->rate > 0 &&
           limit->burst > 0;
}

uint32_t limit_take(const struct limit *limit, int64_t *full_ns, int64_t now_us) {
    const int64_t second_ns = INT64_C(1000000) * NANOSECONDS;
    if (limit->rate == 0)
        return 0;
    int64_t now_ns = now_us * NANOSECONDS;
    int64_t token_ns = second_ns / limit->rate;
    int64_t begin_ns = *full_ns > now_ns ? *full_ns : now_ns;
    int64_t missing_ns = begin_ns - now_ns - token_ns * (limit->burst - 1);
    if (missing_ns > 0)
        return (uint32_t)((missing_ns + second_ns - 1) / second_ns);
    *full_ns = begin_ns + token_ns;
    return 0;
}

struct limits *limits_create(uint64_t seed) {
    struct limits *limits = calloc(1, sizeof *limits);
    if (limits != NULL)
        limits->seed = seed;
    return limits;
}

void limits_destroy(struct limits *limits) {
    free(limits);
}

/* The two halves of a 128-bit product of secret-masked words, folded. */
static struct bucket *set_of(struct limits *limits, const struct id128 *id, uint64_t kind) {
    uint64_t words[2];
    memcpy(words, id->bytes, sizeof words);
    unsigned __int128 product = (unsigned __int128)(words[0] ^ limits->seed) *
                                ((words[1] ^ kind << 56 ^ limits->seed << 17) | 1);
    uint64_t hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    return &limits->buckets[hash * LIMITS_SET % LIMITS_BUCKETS];
}

/* The bucket of that id, or one made for it: the longest full one, or, when none is, the fullest.
 */
static struct bucket *find(struct limits *limits, enum limits_class class, enum limits_who who,
                           const struct id128 *id) {
    struct bucket *set = set_of(limits, id, (uint64_t) class << 1 | (uint64_t)who);
    struct bucket *fullest = set;
    for (struct bucket *bucket = set; bucket < set + LIMITS_SET; bucket++) {
        if (bucket->class == class && bucket->who == who && id128_equal(&bucket->id, id))
            return bucket;
        if (bucket->full_ns < fullest->full_ns)
            fullest = bucket;
    }
    *fullest = (struct bucket){.id = *id, .class = (uint8_t) class, .who = (uint8_t)who};
    return fullest;
}

uint32_t limits_take(struct limits *limits, const struct limit *limit, enum limits_class class,
                     enum limits_who who, const struct id128 *id, int64_t now_us) {
    if (limit->rate == 0)
        return 0;
    return limit_take(limit, &find(limits, class, who, id)->full_ns, now_us);
}

size_t limits_in_use(const struct limits *limits, int64_t now_us) {
    size_t count = 0;
    for (size_t i = 0; i < LIMITS_BUCKETS; i++)
        count += limits->buckets[i].full_ns > now_us * NANOSECONDS;
    return count;
}
