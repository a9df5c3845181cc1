/* store_private: what the files of statements (store.c, store_room.c) share. */
#ifndef USHER_WORKER_STORE_PRIVATE_H
#define USHER_WORKER_STORE_PRIVATE_H

/* Object ids of built-in types (PostgreSQL's catalog pg_type; fixed). */
enum {
    T_INT8 = 20,
    T_INT4 = 23,
    T_TEXT = 25,
    T_INT2_ARRAY = 1005,
    T_INT4_ARRAY = 1007,
    T_TEXT_ARRAY = 1009,
    T_INT8_ARRAY = 1016,
    T_UUID = 2950,
    T_UUID_ARRAY = 2951,
};

#define US_TO_TIME(us) "('epoch'::timestamptz + " us " * interval '1 microsecond')"
#define TIME_TO_US(time) "(extract(epoch from " time ") * 1000000)::int8"
#define OPTIONAL_TIME_TO_US(time) "coalesce(" TIME_TO_US(time) ", 0)"

#endif
