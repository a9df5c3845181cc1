#include "shared/clock.h"

#include "shared/decimal.h"

#include <stdlib.h>
#include <time.h>

static const int64_t second_us = 1000000;

static int64_t read_clock_us(clockid_t id) {
    struct timespec now;
    ensure(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * second_us + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void) {
    return read_clock_us(CLOCK_MONOTONIC);
}

/* Lets a test set this process's wall clock wrong, to prove that nothing depends on it. */
static int64_t wall_skew_us(void) {
#ifdef USHER_FAILPOINTS
    const char *skew_ms = getenv("USHER_TEST_CLOCK_SKEW_MS");
    if (skew_ms != NULL)
        return strtoll(skew_ms, NULL, 10) * 1000;
#endif
    return 0;
}

int64_t clock_wall_us(void) {
    return read_clock_us(CLOCK_REALTIME) + wall_skew_us();
}

void database_clock_sample(struct database_clock *clock, int64_t sent_us, int64_t received_us,
                           int64_t database_us) {
    ensure(sent_us <= received_us);
    unsigned slot = clock->count % DATABASE_CLOCK_SAMPLES;
    int64_t round_trip_us = received_us - sent_us;
    clock->samples[slot].round_trip_us = round_trip_us;
    clock->samples[slot].offset_us = database_us - (sent_us + round_trip_us / 2);
    clock->count++;
}

bool database_clock_known(const struct database_clock *clock) {
    return clock->count > 0;
}

int64_t database_clock_at_us(const struct database_clock *clock, int64_t monotonic_us) {
    ensure(database_clock_known(clock));
    unsigned best = 0;
    for (unsigned i = 1; i < clock->count && i < DATABASE_CLOCK_SAMPLES; i++)
        if (clock->samples[i].round_trip_us < clock->samples[best].round_trip_us)
            best = i;
    return monotonic_us + clock->samples[best].offset_us;
}

int64_t database_clock_now_us(const struct database_clock *clock) {
    return database_clock_at_us(clock, clock_monotonic_us());
}

char *time_to_text(int64_t unix_us, char text[TIME_TEXT_SIZE]) {
    int64_t fraction_us = unix_us % second_us;
    time_t seconds = unix_us / second_us;
    if (fraction_us < 0) { /* before 1970 */
        fraction_us += second_us;
        seconds--;
    }
    struct tm utc;
    ensure(gmtime_r(&seconds, &utc) != NULL);
    const struct {
        int number;
        unsigned digits;
        char after;
    } parts[] = {
        {abs(utc.tm_year + 1900), 4, '-'},
        {utc.tm_mon + 1, 2, '-'},
        {utc.tm_mday, 2, 'T'},
        {utc.tm_hour, 2, ':'},
        {utc.tm_min, 2, ':'},
        {utc.tm_sec, 2, '.'},
        {(int)(fraction_us / 1000), 3, 'Z'},
    };
    char *at = text;
    if (utc.tm_year < -1900)
        *at++ = '-';
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        at = decimal_put(at, (uint64_t)parts[i].number, parts[i].digits);
        *at++ = parts[i].after;
    }
    *at = '\0';
    return text;
}

static bool read_digits(const char **at, int count, int *value) {
    *value = 0;
    for (; count > 0; count--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

static bool read_char(const char **at, const char *allowed) {
    if (**at == '\0' || strchr(allowed, **at) == NULL)
        return false;
    (*at)++;
    return true;
}

static bool read_fraction(const char **at, int64_t *fraction_us) {
    *fraction_us = 0;
    if (!read_char(at, "."))
        return true;
    const char *first = *at;
    int digit;
    for (int64_t unit_us = second_us / 10; read_digits(at, 1, &digit); unit_us /= 10)
        *fraction_us += digit * unit_us;
    return *at > first && *at - first <= 9;
}

static bool read_offset(const char **at, int *offset_minutes) {
    *offset_minutes = 0;
    if (read_char(at, "Zz"))
        return true;
    int sign = **at == '-' ? -1 : 1;
    int hours, minutes;
    if (!read_char(at, "+-") || !read_digits(at, 2, &hours) || !read_char(at, ":") ||
        !read_digits(at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_minutes = sign * (hours * 60 + minutes);
    return true;
}

static int days_in_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

bool time_from_text(const char *text, int64_t *unix_us) {
    const char *at = text;
    int year, month, day, hour, minute, second, offset_minutes;
    int64_t fraction_us;
    if (!read_digits(&at, 4, &year) || !read_char(&at, "-") || !read_digits(&at, 2, &month) ||
        !read_char(&at, "-") || !read_digits(&at, 2, &day) || !read_char(&at, "Tt") ||
        !read_digits(&at, 2, &hour) || !read_char(&at, ":") || !read_digits(&at, 2, &minute) ||
        !read_char(&at, ":") || !read_digits(&at, 2, &second) ||
        !read_fraction(&at, &fraction_us) || !read_offset(&at, &offset_minutes) || *at != '\0')
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || second > 60)
        return false;
    struct tm local = {.tm_year = year - 1900,
                       .tm_mon = month - 1,
                       .tm_mday = day,
                       .tm_hour = hour,
                       .tm_min = minute,
                       .tm_sec = second};
    int64_t utc_seconds = timegm(&local) - offset_minutes * INT64_C(60);
    /* RFC 3339, 5.7: a leap second ends a day in UTC. Unix time counts it as the next day's first.
     */
    if (second == 60 && utc_seconds % 86400 != 0)
        return false;
    *unix_us = utc_seconds * second_us + fraction_us;
    return true;
}
