# cmake -DFOLDER=gateway/web -DOUTPUT=files.c -P embed.cmake
# Writes the files that the pages are made of as C, so that the program needs no folder.
set(text "#include \"gateway/web/files.h\"\n")
foreach(file IN ITEMS openapi.json page.css)
    string(MAKE_C_IDENTIFIER ${file} name)
    file(READ "${FOLDER}/${file}" bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" bytes "${bytes}")
    string(REPLACE "\\x0a" "\\x0a\"\n    \"" bytes "${bytes}") # a line each
    string(APPEND text "\nstatic const char ${name}[] =\n    \"${bytes}\";\n"
        "const struct web_file web_${name} = {${name}, sizeof ${name} - 1};\n")
endforeach()
file(WRITE "${OUTPUT}" "${text}")
