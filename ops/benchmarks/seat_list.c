#include "ops/benchmarks/seat_list.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEATS_MIN = 4 };

uint32_t seat_list_read(const char *path, uint32_t most, char ***seats) {
    uint32_t count = 0;
    bool right = true;
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");
    *seats = calloc(most, sizeof **seats);
    ensure(*seats != NULL);
    for (ssize_t size; file != NULL && right && (size = getline(&line, &room, file)) > 0;) {
        line[strcspn(line, "\n")] = '\0';
        right = count < most && size > 1 && strlen(line) <= SEAT_ID_MAX_BYTES &&
                strpbrk(line, "\"\\\t") == NULL;
        if (right) {
            (*seats)[count] = strdup(line);
            ensure((*seats)[count] != NULL);
            count++;
        }
    }
    if (file != NULL)
        fclose(file);
    free(line);
    if (file != NULL && right && count >= SEATS_MIN && count % 2 == 0)
        return count;
    fprintf(stderr, "%s is no list of 4, 6, … %u seat ids\n", path, most);
    seat_list_free(*seats, count);
    *seats = NULL;
    return 0;
}

void seat_list_free(char **seats, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        free(seats[i]);
    free(seats);
}
