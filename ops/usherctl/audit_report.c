#include "ops/usherctl/audit_report.h"

#include "shared/clock.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

static const double second_us = 1e6;

/* --- for people */

static void print_turns(const struct audit_summary *summary) {
    const char *separator = "";
    (void)printf("  turns         ");
    for (enum turn_state state = TURN_WAITING; state <= TURN_STATE_LAST; state++) {
        if (summary->turns[state] > 0) {
            (void)printf("%s%" PRIu64 " %s", separator, summary->turns[state],
                         turn_state_text(state));
            separator = ", ";
        }
    }
    (void)printf("%s\n", separator[0] == '\0' ? "none" : "");
}

static void print_gaps(const struct audit_summary *summary, const struct audit_room *room) {
    if (summary->gaps > 0)
        (void)printf("  gaps          %" PRIu64 ", of %" PRIu64
                     " numbers whose entries NATS may have lost; %" PRIu64 " were shown\n",
                     summary->gaps, summary->gap_numbers, summary->gap_turns);
    if (room->lost_above != UINT64_MAX)
        (void)printf("  not vouched   NATS was started anew, and the owner has not looked since: "
                     "%" PRIu64 " entries above number %" PRIu64 " may be lost\n",
                     summary->lost, room->lost_above);
}

static void print_bookings(const struct audit_summary *summary, const struct audit_room *room) {
    (void)printf("  bookings      %" PRIu64 " with a number, %" PRIu64 " without%s\n",
                 summary->bookings, summary->bookings_without_number,
                 room->on_known || summary->bookings_without_number == 0
                     ? ""
                     : " (the log of the administration does not tell when the room was on)");
}

static void print_shoppers(const struct audit_summary *summary, const struct audit_header *header) {
    char text[TIME_TEXT_SIZE];
    (void)printf("  shoppers      at most %" PRIu64 " at a time", summary->most_shoppers);
    if (summary->most_shoppers > 0)
        (void)printf(" (%s)", time_to_text(summary->most_shoppers_us, text));
    (void)printf(", of %" PRIu32 "%s\n", header->settings.max_shoppers,
                 header->room.max_shoppers == 0 ? " as it is set now; it was changed" : "");
    if (summary->longest_wait_number != 0)
        (void)printf("  longest wait  %.1f s, number %" PRIu64 "\n",
                     (double)summary->longest_wait_us / second_us, summary->longest_wait_number);
}

static void print_findings(const struct audit *audit) {
    uint64_t found = audit_summary(audit)->findings;
    size_t count;
    const struct audit_finding *findings = audit_findings(audit, &count);
    for (size_t i = 0; i < count; i++)
        (void)printf("%s: %s\n", audit_rule_text(findings[i].rule), findings[i].text);
    if (found > count)
        (void)printf("and %" PRIu64 " more\n", found - count);
    if (found == 0)
        (void)printf("nothing is wrong\n");
    else
        (void)printf("%" PRIu64 " %s\n", found, found == 1 ? "finding" : "findings");
}

static void print_text(const struct audit *audit, const struct audit_header *header) {
    const struct audit_summary *summary = audit_summary(audit);
    const struct audit_room *room = &header->room;
    char text[TIME_TEXT_SIZE];
    (void)printf("the waiting room of event %" PRIu64 ", %s\n", header->event_id,
                 time_to_text(header->made_us, text));
    (void)printf("  people        %" PRIu64 "\n", summary->people);
    (void)printf("  entries       %" PRIu64 " in the stream, %" PRIu64 " of them waiting\n",
                 summary->entries, summary->waiting);
    (void)printf("  numbers       admitted up to %" PRIu64 ", answered up to %" PRIu64 " at most\n",
                 room->admitted_to, room->issued_to);
    print_turns(summary);
    print_gaps(summary, room);
    print_bookings(summary, room);
    print_shoppers(summary, header);
    print_findings(audit);
}

/* --- for programs */

static json_t *whole(uint64_t number) {
    return json_integer((json_int_t)number);
}

static json_t *whole_or_null(uint64_t number) {
    return number != 0 ? whole(number) : json_null();
}

static json_t *findings_json(const struct audit *audit) {
    size_t count;
    const struct audit_finding *findings = audit_findings(audit, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:o, s:s}", "rule", audit_rule_text(findings[i].rule), "number",
                            whole_or_null(findings[i].number), "text", findings[i].text));
    return list;
}

static json_t *rules_json(const struct audit_summary *summary) {
    json_t *rules = json_object();
    for (enum audit_rule rule = 0; rule < AUDIT_RULES; rule++)
        if (summary->findings_of[rule] > 0)
            (void)json_object_set_new(rules, audit_rule_text(rule),
                                      whole(summary->findings_of[rule]));
    return rules;
}

static json_t *turns_json(const struct audit_summary *summary) {
    json_t *turns = json_object();
    for (enum turn_state state = TURN_WAITING; state <= TURN_STATE_LAST; state++)
        (void)json_object_set_new(turns, turn_state_text(state), whole(summary->turns[state]));
    return turns;
}

static void print_json(const struct audit *audit, const struct audit_header *header) {
    const struct audit_summary *summary = audit_summary(audit);
    const struct audit_room *room = &header->room;
    char most_at[TIME_TEXT_SIZE] = "";
    if (summary->most_shoppers > 0)
        time_to_text(summary->most_shoppers_us, most_at);
    json_t *report = json_pack("{s:o, s:b, s:o, s:o, s:o, s:o}", "event", whole(header->event_id),
                               "ok", summary->findings == 0, "findings", findings_json(audit),
                               "findingCount", whole(summary->findings), "findingsByRule",
                               rules_json(summary), "turns", turns_json(summary));
    json_t *figures = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:s?, s:i, s:b, "
        "s:f, s:o}",
        "numbers", whole(summary->numbers), "people", whole(summary->people), "entries",
        whole(summary->entries), "waiting", whole(summary->waiting), "lost", whole(summary->lost),
        "admittedTo", whole(room->admitted_to), "issuedTo", whole(room->issued_to), "gaps",
        whole(summary->gaps), "gapNumbers", whole(summary->gap_numbers), "gapTurns",
        whole(summary->gap_turns), "bookings", whole(summary->bookings), "bookingsWithoutNumber",
        whole(summary->bookings_without_number), "roomOnKnown", room->on_known, "mostShoppers",
        whole(summary->most_shoppers), "mostShoppersAt", most_at[0] != '\0' ? most_at : NULL,
        "maxShoppers", (int)header->settings.max_shoppers, "maxShoppersUnchanged",
        room->max_shoppers != 0, "longestWaitSeconds", (double)summary->longest_wait_us / second_us,
        "longestWaitNumber", whole_or_null(summary->longest_wait_number));
    ensure(report != NULL && figures != NULL && json_object_update(report, figures) == 0);
    char *text = json_dumps(report, JSON_COMPACT | JSON_REAL_PRECISION(12));
    ensure(text != NULL);
    (void)printf("%s\n", text);
    free(text);
    json_decref(figures);
    json_decref(report);
}

void audit_report_print(const struct audit *audit, const struct audit_header *header, bool json) {
    (json ? print_json : print_text)(audit, header);
}
