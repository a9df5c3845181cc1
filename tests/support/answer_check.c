/*
 * answer-check METHOD TARGET FILE: for shell scripts. FILE is an answer as curl -i writes it; exit
 * 0: gateway/web/openapi.json allows it (contract.h), 1: it does not, with one line that says why.
 */
#include "tests/support/contract.h"
#include "tests/support/http_message.h"

#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_MAX_BYTES = 1 << 20 };

int main(int argc, char **argv) {
    FILE *file = argc == 4 ? fopen(argv[3], "re") : NULL;
    char *bytes = malloc(ANSWER_MAX_BYTES);
    ensure(bytes != NULL);
    if (file == NULL) {
        (void)fprintf(stderr, "usage: answer-check METHOD TARGET FILE\n");
        return 1;
    }
    size_t size = fread(bytes, 1, ANSWER_MAX_BYTES - 1, file);
    (void)fclose(file);
    bytes[size] = '\0';
    const struct http_message message =
        http_message_answer(bytes, size, strcmp(argv[1], "HEAD") == 0);
    char *head = http_message_copy(bytes, message.head_bytes);
    char problem[CONTRACT_PROBLEM_SIZE] = "it is not whole";
    struct contract *contract = contract_open();
    bool allowed = message.head_bytes > 0 && size == message.head_bytes + message.body_bytes &&
                   contract_allows(contract,
                                   &(struct contract_answer){.method = argv[1],
                                                             .target = argv[2],
                                                             .status = message.status,
                                                             .head = head,
                                                             .body = bytes + message.head_bytes,
                                                             .body_bytes = message.body_bytes},
                                   problem);
    if (!allowed) {
        (void)fprintf(stderr, "not as documented: %s %s answers %d: %s\n", argv[1], argv[2],
                      message.status, problem);
    }
    contract_close(contract);
    free(head);
    free(bytes);
    return allowed ? 0 : 1;
}
