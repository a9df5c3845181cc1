#include "gateway/roles.h"

static const struct {
    const char *route;
    bool may[ADMIN_ROLE_COUNT];
} acts[] = {
    /* clang-format off */
    /*                                                    viewer operator organiser admin */
    [ADMIN_GET_EVENT]    = {"GET /admin/events/{id}",       {true,  true,  true,  true}},
    [ADMIN_GET_STATS]    = {"GET /admin/events/{id}/stats", {true,  true,  true,  true}},
    [ADMIN_STEER_EVENT]  = {"PATCH /admin/events/{id}",     {false, true,  true,  true}},
    [ADMIN_CHANGE_EVENT] = {"PATCH /admin/events/{id}",     {false, false, true,  true}},
    [ADMIN_POST_VENUE]   = {"POST /admin/venues",           {false, false, true,  true}},
    [ADMIN_POST_EVENT]   = {"POST /admin/events",           {false, false, true,  true}},
    /* clang-format on */
};

bool role_may(enum admin_role role, enum admin_act act) {
    ensure((size_t)act < ARRAY_LEN(acts) && (size_t)role < ADMIN_ROLE_COUNT);
    return acts[act].may[role];
}

const char *role_act_route(enum admin_act act) {
    ensure((size_t)act < ARRAY_LEN(acts));
    return acts[act].route;
}

enum admin_act role_act_of_patch(const json_t *patch) {
    size_t steering = (json_object_get(patch, "state") != NULL ? 1U : 0U) +
                      (json_object_get(patch, "room") != NULL ? 1U : 0U);
    return json_object_size(patch) == steering ? ADMIN_STEER_EVENT : ADMIN_CHANGE_EVENT;
}
