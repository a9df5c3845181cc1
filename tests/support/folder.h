/*
 * folder: a test's own temporary folder. Paths stay short, since PostgreSQL's sockets lie in it
 * (107 bytes).
 */
#ifndef USHER_TESTS_SUPPORT_FOLDER_H
#define USHER_TESTS_SUPPORT_FOLDER_H

#include "shared/base.h"

#include <limits.h>

enum { FOLDER_PATH_SIZE = 128 };

/* Makes /tmp/usher-test-XXXXXX, which other users may enter (PostgreSQL runs as one of them). */
void folder_create(char path[FOLDER_PATH_SIZE]);
/* Deletes it with all it contains. */
void folder_remove(const char *path);
/* parent/to becomes what parent/from is now. */
void folder_copy(const char *parent, const char *from, const char *to);
/* Writes `text` to parent/name, made with `mode`. The name appears with its whole text or not at
 * all. */
void folder_write(const char *parent, const char *name, unsigned mode, const char *text);
/* Prints the last `lines` lines of a file to stderr, under its path. */
void folder_print_tail(const char *path, unsigned lines);
/* Whether a file contains `text`. */
bool folder_file_contains(const char *path, const char *text);

#endif
