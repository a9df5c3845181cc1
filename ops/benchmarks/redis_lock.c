#include "ops/benchmarks/rival_sql.h"
#include "ops/benchmarks/rivals.h"
#include "ops/benchmarks/sessions.h"

#include <hiredis/adapters/libevent.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdlib.h>

/* The locks of a buyer's seats: asked for in one go, answered one after the other. */
struct locks {
    struct redis_lock *all;
    bool got_first;
};

struct redis_lock {
    struct sale sale;
    struct sessions *sessions;
    redisAsyncContext *redis;
    struct locks *locks; /* by place */
};

static const struct sessions_statement statements[] = {
    {"reserve", "WITH held AS (UPDATE rival.seat SET status = 1, booking_id = $4::uuid "
                "WHERE event_id = $1::int8 AND seat IN ($2::int4, $3::int4) AND status = 0 "
                "RETURNING 1) " RIVAL_INSERT_BOOKING},
    {0},
};

static _Noreturn void give_up(const redisAsyncContext *redis) {
    fprintf(stderr, "Redis: %s\n", redis->errstr);
    exit(1);
}

/* Whether it was OK; nil is the other answer. */
static bool is_locked(const redisAsyncContext *redis, const redisReply *reply) {
    if (reply == NULL || (reply->type != REDIS_REPLY_STATUS && reply->type != REDIS_REPLY_NIL))
        give_up(redis);
    return reply->type == REDIS_REPLY_STATUS;
}

static void on_first(redisAsyncContext *redis, void *reply, void *context) {
    ((struct locks *)context)->got_first = is_locked(redis, reply);
}

/* A lock that is of no use without the other is given back. */
static void unlock(struct redis_lock *lock, const struct sale_buyer *buyer, uint32_t seat) {
    if (redisAsyncCommand(lock->redis, NULL, NULL, "DEL seat:%" PRIu64 ":%u", buyer->event, seat) !=
        REDIS_OK)
        give_up(lock->redis);
}

static void on_second(redisAsyncContext *redis, void *reply, void *context) {
    struct locks *locks = context;
    struct redis_lock *lock = locks->all;
    uint32_t place = (uint32_t)(locks - lock->locks);
    const struct sale_buyer *buyer = &lock->sale.buyers[place];
    bool got_second = is_locked(redis, reply);
    if (locks->got_first && got_second) {
        sessions_ask(lock->sessions, place);
        return;
    }
    if (locks->got_first || got_second)
        unlock(lock, buyer, buyer->seats[got_second]);
    sale_end(&lock->sale, place, false);
}

static void redis_lock_serve(void *context, uint32_t place) {
    static redisCallbackFn *const answered[] = {on_first, on_second};
    struct redis_lock *lock = context;
    const struct sale_buyer *buyer = &lock->sale.buyers[place];
    for (size_t i = 0; i < 2; i++) {
        if (redisAsyncCommand(lock->redis, answered[i], &lock->locks[place],
                              "SET seat:%" PRIu64 ":%u %b NX EX %d", buyer->event, buyer->seats[i],
                              buyer->user.bytes, sizeof buyer->user.bytes,
                              SALE_HOLD_SECONDS) != REDIS_OK)
            give_up(lock->redis);
    }
}

static bool redis_lock_send(void *context, PGconn *connection, uint32_t place) {
    static const uint32_t none[2];
    const struct redis_lock *lock = context;
    return rival_send(connection, "reserve", &lock->sale.buyers[place], none, 5);
}

static void redis_lock_answered(void *context, uint32_t place, const PGresult *result) {
    struct redis_lock *lock = context;
    sale_end(&lock->sale, place, rival_is_stored(result));
}

static bool redis_lock_connect(struct redis_lock *lock) {
    lock->redis = redisAsyncConnect("127.0.0.1", (int)lock->sale.options->redis_port);
    if (lock->redis != NULL && lock->redis->err == 0 &&
        redisLibeventAttach(lock->redis, lock->sale.base) == REDIS_OK)
        return true;
    fprintf(stderr, "Redis: %s\n", lock->redis != NULL ? lock->redis->errstr : "no memory");
    return false;
}

bool rival_redis_lock(const struct options *options) {
    struct redis_lock lock = {0};
    sale_init(&lock.sale, options);
    lock.sale.serve = redis_lock_serve;
    lock.sale.context = &lock;
    lock.locks = calloc(lock.sale.buyer_count, sizeof lock.locks[0]);
    ensure(lock.locks != NULL);
    for (uint32_t place = 0; place < lock.sale.buyer_count; place++)
        lock.locks[place].all = &lock;
    const struct sessions_config config = {
        .base = lock.sale.base,
        .count = (uint32_t)options->sessions,
        .depth = (uint32_t)options->depth,
        .tickets = lock.sale.buyer_count,
        .statements = statements,
        .send = redis_lock_send,
        .answered = redis_lock_answered,
        .context = &lock,
    };
    lock.sessions = sessions_create(&config);
    bool measured = lock.sessions != NULL && redis_lock_connect(&lock);
    if (measured)
        sale_run(&lock.sale);
    sessions_destroy(lock.sessions);
    if (measured) { /* once the last locks are given back */
        redisAsyncDisconnect(lock.redis);
        event_base_dispatch(lock.sale.base);
    } else if (lock.redis != NULL) {
        redisAsyncFree(lock.redis);
    }
    measured = measured && sale_report(&lock.sale);
    free(lock.locks);
    sale_clear(&lock.sale);
    return measured;
}
