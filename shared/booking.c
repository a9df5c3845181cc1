#include "shared/booking.h"

static const char *text_of(const char *const *texts, size_t count, unsigned index) {
    ensure(index < count && texts[index] != NULL);
    return texts[index];
}

const char *seat_state_text(enum seat_state state) {
    static const char *const texts[] = {
        [SEAT_AVAILABLE] = "AVAILABLE",
        [SEAT_HELD] = "HELD",
        [SEAT_BOOKED] = "BOOKED",
        [SEAT_BLOCKED] = "BLOCKED",
    };
    return text_of(texts, ARRAY_LEN(texts), (unsigned)state);
}

const char *booking_status_text(enum booking_status status) {
    static const char *const texts[] = {
        [BOOKING_NONE] = "NONE",           [BOOKING_PENDING] = "PENDING",
        [BOOKING_CONFIRMED] = "CONFIRMED", [BOOKING_CANCELLED] = "CANCELLED",
        [BOOKING_EXPIRED] = "EXPIRED",
    };
    return text_of(texts, ARRAY_LEN(texts), (unsigned)status);
}

const char *command_kind_text(enum command_kind kind) {
    static const char *const texts[] = {
        [COMMAND_RESERVE] = "reserve",
        [COMMAND_CONFIRM] = "confirm",
        [COMMAND_CANCEL] = "cancel",
        [COMMAND_SNAPSHOT] = "snapshot",
        [COMMAND_UPDATE_EVENT] = "update-event",
        [COMMAND_TRANSFER] = "transfer",
        [COMMAND_ROOM_LOOK] = "room-look",
        [COMMAND_ROOM_CLAIM] = "room-claim",
        [COMMAND_ROOM_LEAVE] = "room-leave",
        [COMMAND_ROOM_ISSUE] = "room-issue",
        [COMMAND_ROOM_REPORT] = "room-report",
        [COMMAND_ROOM_MOVE] = "room-move",
        [COMMAND_ROOM_VOUCH] = "room-vouch",
    };
    return text_of(texts, ARRAY_LEN(texts), (unsigned)kind);
}

const char *reply_code_text(enum reply_code code) {
    static const char *const texts[REPLY_CODE_COUNT] = {
        [REPLY_OK] = "ok",
        [REPLY_SEAT_TAKEN] = "seat-taken",
        [REPLY_SEAT_LIMIT] = "seat-limit",
        [REPLY_NOT_ON_SALE] = "not-on-sale",
        [REPLY_KEY_REUSED] = "key-reused",
        [REPLY_NOT_FOUND] = "not-found",
        [REPLY_NOT_PENDING] = "not-pending",
        [REPLY_HOLD_EXPIRED] = "hold-expired",
        [REPLY_PAYMENT_DECLINED] = "payment-declined",
        [REPLY_PAYMENT_INVALID] = "payment-invalid",
        [REPLY_CONFLICT] = "conflict",
        [REPLY_GUESTS_NOT_ALLOWED] = "guests-not-allowed",
        [REPLY_UNKNOWN_SEAT] = "unknown-seat",
        [REPLY_OVERLOADED] = "overloaded",
        [REPLY_INTERNAL] = "internal",
        [REPLY_INVALID] = "invalid",
        [REPLY_WRONG_EPOCH] = "wrong-epoch",
        [REPLY_PASS_REQUIRED] = "pass-required",
        [REPLY_BAD_PASS] = "bad-pass",
        [REPLY_PASS_BUSY] = "pass-busy",
        [REPLY_ROOM_CLOSED] = "room-closed",
        [REPLY_NOT_YOUR_TURN] = "not-your-turn",
        [REPLY_TURN_MISSED] = "turn-missed",
        [REPLY_BAD_NUMBER] = "bad-number",
    };
    return text_of(texts, ARRAY_LEN(texts), (unsigned)code);
}
