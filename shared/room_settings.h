/*
 * room_settings: reads the settings of a waiting room by the API's rules, for catalogue_event and
 * room_settings_apply. Internal to them.
 */
#ifndef USHER_SHARED_ROOM_SETTINGS_H
#define USHER_SHARED_ROOM_SETTINGS_H

#include "shared/catalogue_input.h"
#include "shared/room.h"

/* Puts what the object names into *settings and lists what breaks a rule; `path` names the object
 * in problems. */
void room_settings_read(struct room_settings *settings, const json_t *object, const char *path,
                        struct catalogue_problems *problems);

#endif
