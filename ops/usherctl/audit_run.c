#include "ops/usherctl/audit_run.h"

#include "ops/usherctl/audit_gather.h"
#include "ops/usherctl/audit_report.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* A file that gets its name when it is whole. */
struct output {
    const char *path;
    char written_path[PATH_MAX];
    FILE *file;
    struct audit_export *export;
};

static enum audit_exit not_checked(const char *what) {
    (void)fprintf(stderr, "usherctl: nothing was checked: %s\n", what);
    return AUDIT_EXIT_NOT_CHECKED;
}

static bool output_begin(struct output *output, const struct audit_header *header) {
    if (output->path == NULL)
        return true;
    int length = snprintf(output->written_path, sizeof output->written_path, "%s.%ld.new",
                          output->path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof output->written_path)
        return false;
    output->file = fopen(output->written_path, "wx");
    if (output->file == NULL)
        return false;
    output->export = audit_export_begin(output->file, header);
    return output->export != NULL;
}

static bool output_finish(struct output *output) {
    if (output->path == NULL)
        return true;
    audit_export_end_take(output->export);
    output->export = NULL;
    bool good = ferror(output->file) == 0;
    good = fclose(output->file) == 0 && good;
    output->file = NULL;
    good = good && rename(output->written_path, output->path) == 0;
    if (!good)
        (void)unlink(output->written_path);
    return good;
}

static void output_drop(struct output *output) {
    audit_export_drop(output->export);
    if (output->file != NULL) {
        (void)fclose(output->file);
        (void)unlink(output->written_path);
    }
}

static enum status take_numbers(struct audit_gather *gather, struct audit *audit,
                                struct output *output, char error[AUDIT_ERROR_SIZE]) {
    struct audit_number number;
    enum status status;
    while ((status = audit_gather_number(gather, &number, error)) == STATUS_OK) {
        status = audit_add(audit, &number);
        if (status != STATUS_OK) {
            (void)snprintf(error, AUDIT_ERROR_SIZE, "%s", status_text(status));
            return status;
        }
        if (output->export != NULL)
            audit_export_number(output->export, &number);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status take_without_number(struct audit_gather *gather, struct audit *audit,
                                       struct output *output, char error[AUDIT_ERROR_SIZE]) {
    struct audit_booking booking;
    enum status status;
    while ((status = audit_gather_without_number(gather, &booking, error)) == STATUS_OK) {
        audit_add_without_number(audit, &booking);
        if (output->export != NULL)
            audit_export_without_number(output->export, &booking);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum audit_exit report(const struct audit *audit, const struct audit_header *header,
                              bool json) {
    audit_report_print(audit, header, json);
    return audit_summary(audit)->findings == 0 ? AUDIT_EXIT_GOOD : AUDIT_EXIT_FINDINGS;
}

static enum audit_exit audit_gathered(struct audit_gather *gather,
                                      const struct audit_header *header, struct output *output,
                                      bool json) {
    char error[AUDIT_ERROR_SIZE] = "no memory";
    struct audit *audit = audit_create(&header->room);
    enum status status = audit != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    enum audit_exit result;
    if (status == STATUS_OK)
        status = take_numbers(gather, audit, output, error);
    if (status == STATUS_OK)
        status = take_without_number(gather, audit, output, error);
    if (status == STATUS_OK)
        status = audit_finish(audit);
    if (status != STATUS_OK)
        result = not_checked(error);
    else if (!output_finish(output))
        result = not_checked("the export can't be written");
    else
        result = report(audit, header, json);
    audit_destroy(audit);
    return result;
}

enum audit_exit audit_run(PGconn *connection, const char *nats_url, uint64_t event_id,
                          const char *export_path, bool json) {
    struct output output = {.path = export_path};
    struct audit_header header;
    char error[AUDIT_ERROR_SIZE];
    struct audit_gather *gather =
        audit_gather_begin(connection, nats_url, event_id, &header, error);
    if (gather == NULL)
        return not_checked(error);
    enum audit_exit result = output_begin(&output, &header)
                                 ? audit_gathered(gather, &header, &output, json)
                                 : not_checked("the export can't be written");
    output_drop(&output);
    audit_gather_end(gather);
    return result;
}

enum audit_exit audit_run_check(const char *path, bool json) {
    struct audit_header header;
    struct audit *audit;
    char error[AUDIT_ERROR_SIZE];
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return not_checked(strerror(errno));
    enum status status = audit_export_check(in, &header, &audit, error);
    (void)fclose(in);
    if (status != STATUS_OK)
        return not_checked(error);
    enum audit_exit result = report(audit, &header, json);
    audit_destroy(audit);
    return result;
}
