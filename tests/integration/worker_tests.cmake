# A worker alone, to which the test speaks as a gateway.
function(usher_worker_test NAME)
    usher_integration_test(${NAME} SOURCES ${NAME}.c scene.c desk.c stage.c stream.c LINK usher_shared_test)
    target_compile_definitions(${NAME} PRIVATE
        USHERCTL="$<TARGET_FILE:usherctl>" USHER_WORKER="$<TARGET_FILE:usher-worker-test>")
    add_dependencies(${NAME} usherctl usher-worker-test)
endfunction()
usher_worker_test(worker_answers_flow_test)
usher_worker_test(worker_batch_test)
usher_worker_test(worker_redo_test)
usher_worker_test(worker_handover_test)
usher_worker_test(worker_memory_test)
usher_worker_test(worker_outage_test)
