# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors
#
# Kernel source to C array. At build time, as a script:
#   cmake -DINPUT=x.cu -DROOT=src -DNAME=tskip__source_x_cu -DOUTPUT=x_cu_source.h -P embed.cmake
# writes `static const unsigned char NAME[]`, ended by a zero: the file with every #include "…" replaced by the
# file it names, once each; looked for beside the includer, then in ROOT.
# When included by a CMakeLists.txt it defines tskip_embed.

if(NOT CMAKE_SCRIPT_MODE_FILE)
    set(TSKIP_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

    # tskip_embed(TARGET FILE… DEPENDS header…): for a file x.cu the header x_cu_source.h with the array
    # tskip__source_x_cu, to be included by one .c file of the target.
    function(tskip_embed target)
        cmake_parse_arguments(E "" "" "DEPENDS" ${ARGN})
        foreach(file ${E_UNPARSED_ARGUMENTS})
            get_filename_component(input ${file} ABSOLUTE)
            get_filename_component(name ${file} NAME)
            string(REPLACE . _ name ${name})
            set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}_source.h)
            add_custom_command(OUTPUT ${output}
                COMMAND ${CMAKE_COMMAND} -DINPUT=${input} -DROOT=${PROJECT_SOURCE_DIR}/src
                    -DNAME=tskip__source_${name} -DOUTPUT=${output} -P ${TSKIP_EMBED_SCRIPT}
                DEPENDS ${input} ${E_DEPENDS} ${TSKIP_EMBED_SCRIPT} VERBATIM)
            list(APPEND outputs ${output})
        endforeach()
        add_custom_target(${target}_embedded DEPENDS ${outputs})
        add_dependencies(${target} ${target}_embedded)
        target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
    endfunction()
    return()
endif()

cmake_minimum_required(VERSION 3.22)
set(included)

# Sets `out` to the text of `file` with its includes in place.
function(flatten file out)
    set(included ${included} ${file})
    file(READ ${file} text)
    get_filename_component(folder ${file} DIRECTORY)
    while(text MATCHES "#include \"([^\"\n]+)\"")
        set(line "${CMAKE_MATCH_0}")
        set(path ${folder}/${CMAKE_MATCH_1})
        if(NOT EXISTS ${path})
            set(path ${ROOT}/${CMAKE_MATCH_1})
        endif()
        if(NOT EXISTS ${path})
            message(FATAL_ERROR "${file}: no file for ${line}")
        endif()
        get_filename_component(path ${path} REALPATH)
        set(inner "")
        if(NOT path IN_LIST included)
            flatten(${path} inner)
        endif()
        string(REPLACE "${line}" "${inner}" text "${text}")
    endwhile()
    set(included ${included} PARENT_SCOPE)
    set(${out} "${text}" PARENT_SCOPE)
endfunction()

get_filename_component(INPUT ${INPUT} REALPATH)
flatten(${INPUT} text)
file(WRITE ${OUTPUT}.txt "${text}")
file(READ ${OUTPUT}.txt bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "/* From ${INPUT}. */
static const unsigned char ${NAME}[] = {
${bytes}0x00};
")
