#include "tests/integration/scene.h"
#include "tests/support/expect.h"

#include "shared/ids.h"

#include <stdlib.h>

void scene_open(void **state, const char *const *settings) {
    struct scene *scene = calloc(1, sizeof *scene);
    ensure(scene != NULL);
    *state = scene;
    void *stage = NULL;
    scene->stage = stage_create(&stage);
    stage_start_worker(scene->stage, 0, NULL, settings);
    char url[SERVER_URL_SIZE];
    nats_url(&scene->stage->nats, url);
    scene->desk = desk_open(url, &scene->stage->installation);
    desk_wait_owners(scene->desk);
    sql_run(scene->stage->sql,
            "CREATE TABLE usher.test_poison (user_id uuid PRIMARY KEY, delay float8)", NULL);
    sql_run(scene->stage->sql,
            "CREATE FUNCTION usher.test_refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
            " DECLARE delay float8; BEGIN"
            " SELECT p.delay INTO delay FROM usher.test_poison p WHERE p.user_id = NEW.user_id;"
            " IF FOUND THEN PERFORM pg_sleep(delay); RAISE EXCEPTION 'poison'; END IF;"
            " RETURN NEW; END $$",
            NULL);
    sql_run(scene->stage->sql,
            "CREATE TRIGGER test_refuse BEFORE INSERT OR UPDATE ON usher.booking"
            " FOR EACH ROW EXECUTE FUNCTION usher.test_refuse()",
            NULL);
}

int scene_set_up(void **state) {
    scene_open(state, NULL);
    return 0;
}

int scene_tear_down(void **state) {
    struct scene *scene = *state;
    if (scene == NULL)
        return 0;
    desk_close(scene->desk);
    void *stage = scene->stage;
    free(scene);
    *state = NULL;
    return stage_teardown(&stage);
}

void scene_ends_well(void **state) {
    struct scene *scene = *state;
    stage_expect_sound_database(scene->stage);
    stage_finish(scene->stage);
    assert_int_equal(sql_number(scene->stage->sql,
                                "SELECT count(*) FROM usher.partition WHERE owner IS NOT NULL",
                                NULL),
                     0);
    assert_int_equal(
        sql_number(scene->stage->sql, "SELECT count(*) FROM usher.worker_instance", NULL), 0);
}

void scene_poison(struct scene *scene, const struct id128 *user, const char *delay_seconds) {
    char id[UUID_TEXT_SIZE];
    sql_run(scene->stage->sql, "INSERT INTO usher.test_poison VALUES ($1, $2)",
            (const char *[]){id128_to_uuid(user, id), delay_seconds, NULL});
}
