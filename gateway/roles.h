/*
 * roles: which role may what; one table (roles.c). Roles are those of shared/admin_key.h.
 *
 *   viewer     looks
 *   operator   steers the door as well: an event's state, and the settings of its room
 *   organiser  makes venues and events, and changes all of them
 *   admin      everything
 *
 * Every route under /admin has its lines here, and auth_admin asks for one: a route without a line
 * can't be written. A change of an event has two, since it depends on the fields that it names.
 */
#ifndef USHER_GATEWAY_ROLES_H
#define USHER_GATEWAY_ROLES_H

#include "shared/admin_key.h"

#include <jansson.h>

enum admin_act {
    ADMIN_GET_EVENT,
    ADMIN_GET_STATS,
    ADMIN_STEER_EVENT,  /* PATCH of `state` and `room` */
    ADMIN_CHANGE_EVENT, /* PATCH of anything else */
    ADMIN_POST_VENUE,
    ADMIN_POST_EVENT,
    ADMIN_ACT_COUNT
};

bool role_may(enum admin_role role, enum admin_act act);
/* The act's route, as the log calls it: "PATCH /admin/events/{id}". */
const char *role_act_route(enum admin_act act);
/* What a PATCH with this object is. */
enum admin_act role_act_of_patch(const json_t *patch);

#endif
