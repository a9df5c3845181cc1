#include "tests/support/folder.h"
#include "tests/support/expect.h"
#include "tests/support/process.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_MS = 30000 };

void folder_create(char path[FOLDER_PATH_SIZE]) {
    (void)snprintf(path, FOLDER_PATH_SIZE, "/tmp/usher-test-XXXXXX");
    expect(mkdtemp(path) != NULL, "can't make a temporary folder");
    expect(chmod(path, 0755) == 0, "can't open %s to others", path);
}

static int remove_entry(const char *path, const struct stat *status, int kind,
                        struct FTW *position) {
    (void)status;
    (void)kind;
    (void)position;
    return remove(path);
}

void folder_remove(const char *path) {
    expect(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, "can't delete %s", path);
}

void folder_copy(const char *parent, const char *from, const char *to) {
    char source[PATH_MAX], target[PATH_MAX], log[PATH_MAX];
    (void)snprintf(source, sizeof source, "%s/%s", parent, from);
    (void)snprintf(target, sizeof target, "%s/%s", parent, to);
    (void)snprintf(log, sizeof log, "%s/copy.log", parent);
    const char *const commands[][5] = {{"/bin/rm", "-rf", target, NULL},
                                       {"/bin/cp", "-a", source, target, NULL}};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        const struct process_start start = {
            .name = "copy", .arguments = commands[i], .log_path = log};
        expect(process_run(&start, COPY_MS) == 0, "can't copy %s to %s", source, target);
    }
}

void folder_write(const char *parent, const char *name, unsigned mode, const char *text) {
    char path[PATH_MAX], hidden[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", parent, name);
    (void)snprintf(hidden, sizeof hidden, "%s/.%s", parent, name);
    int fd = open(hidden, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, mode);
    expect(fd >= 0, "can't write %s", hidden);
    ssize_t written = write(fd, text, strlen(text));
    expect(close(fd) == 0 && written == (ssize_t)strlen(text), "can't write %s", hidden);
    expect(rename(hidden, path) == 0, "can't make %s", path);
}

/* The whole file, NUL-terminated; NULL when there is none. */
static char *file_text(const char *path) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return NULL;
    }
    char *text = NULL;
    size_t capacity = 0;
    if (getdelim(&text, &capacity, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    (void)fclose(file);
    return text;
}

void folder_print_tail(const char *path, unsigned lines) {
    char *text = file_text(path);
    const char *at = text == NULL ? "" : text + strlen(text);
    for (unsigned seen = 0; text != NULL && at > text; at--) {
        if (at[-1] == '\n' && seen++ == lines) {
            break;
        }
    }
    (void)fprintf(stderr, "--- end of %s\n%s", path, at);
    free(text);
}

bool folder_file_contains(const char *path, const char *wanted) {
    char *text = file_text(path);
    bool found = text != NULL && strstr(text, wanted) != NULL;
    free(text);
    return found;
}
