#include "ops/usherctl/run_env.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_SIZE = 2048 };

/* The value of a line NAME=VALUE, without its quotes, or NULL when it sets another. Changes the
 * line. */
static char *value_of_line(char *line, const char *name) {
    size_t name_length = strlen(name);
    line += strncmp(line, "export ", 7) == 0 ? 7 : 0;
    if (strncmp(line, name, name_length) != 0 || line[name_length] != '=')
        return NULL;
    char *value = line + name_length + 1;
    size_t length = strcspn(value, "\r\n");
    bool quoted =
        length >= 2 && (value[0] == '\'' || value[0] == '"') && value[length - 1] == value[0];
    value[length - quoted] = '\0';
    return value + quoted;
}

static bool keep(const char *found, char *value, size_t size_bytes) {
    if (found == NULL || found[0] == '\0' || strlen(found) >= size_bytes)
        return false;
    memcpy(value, found, strlen(found) + 1);
    return true;
}

bool run_env_read(const char *home, const char *name, char *value, size_t size_bytes) {
    if (keep(getenv(name), value, size_bytes))
        return true;
    char path[PATH_MAX];
    char line[LINE_SIZE];
    bool found = false;
    (void)snprintf(path, sizeof path, "%s/run/env", home);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        found = keep(value_of_line(line, name), value, size_bytes) || found;
    if (file != NULL)
        (void)fclose(file);
    return found;
}
