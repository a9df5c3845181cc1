/*
 * run_env: what ops/up writes down for tools, the file run/env of USHER_HOME: lines NAME=VALUE of a
 * shell.
 */
#ifndef USHER_OPS_USHERCTL_RUN_ENV_H
#define USHER_OPS_USHERCTL_RUN_ENV_H

#include "shared/base.h"

/* The value of `name`: of the environment, else of the file. False when neither has one that is not
 * empty and fits; `value` is as before. */
bool run_env_read(const char *home, const char *name, char *value, size_t size_bytes);

#endif
