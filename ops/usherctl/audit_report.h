/*
 * audit_report: what an audit has to say, for people or as one JSON object:
 *
 *   {"event","ok","findings":[{"rule","number" or null,"text"}], "findingCount",
 *    "findingsByRule":{rule: count}, "numbers","people","entries","waiting","lost","admittedTo",
 *    "issuedTo","turns":{state: count},"gaps","gapNumbers","gapTurns","bookings",
 *    "bookingsWithoutNumber","roomOnKnown","mostShoppers","mostShoppersAt" or null,
 *    "maxShoppers","maxShoppersUnchanged","longestWaitSeconds","longestWaitNumber" or null}
 */
#ifndef USHER_OPS_USHERCTL_AUDIT_REPORT_H
#define USHER_OPS_USHERCTL_AUDIT_REPORT_H

#include "ops/usherctl/audit_export.h"

/* To stdout; the audit is finished. */
void audit_report_print(const struct audit *audit, const struct audit_header *header, bool json);

#endif
