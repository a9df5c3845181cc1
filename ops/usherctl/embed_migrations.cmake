# cmake -DFOLDER=migrations -DOUTPUT=migrations.c -P embed_migrations.cmake
# Writes every migration's text and checksum as C, so that the program needs no folder.
file(GLOB files ${FOLDER}/*.sql)
list(SORT files)
set(items "")
set(arrays "")
foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME)
    if(NOT name MATCHES "^0*([1-9][0-9]*)_([a-z0-9_]+)\\.sql$")
        message(FATAL_ERROR "${name}: a migration is called NNNN_name.sql")
    endif()
    set(number ${CMAKE_MATCH_1})
    set(title ${CMAKE_MATCH_2})
    file(SHA256 "${file}" checksum)
    file(READ "${file}" bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
    string(REPLACE "\\x0a" "\\x0a\"\n    \"" bytes "${bytes}") # a line each
    string(APPEND arrays "static const char sql_${number}[] =\n    \"${bytes}\";\n\n")
    string(APPEND items "    {${number}, \"${title}\", sql_${number}, \"${checksum}\"},\n")
endforeach()
file(WRITE "${OUTPUT}"
    "#include \"ops/usherctl/migrate.h\"\n\n${arrays}"
    "static const struct migration items[] = {\n${items}};\n\n"
    "const struct migration_set migrations_embedded = {items, sizeof items / sizeof items[0]};\n")
