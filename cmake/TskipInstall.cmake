# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors

# What `make install` copies: headers, both libraries, tileskip.pc, the CMake package, and, where it
# is built, the command with its man page. An installed tree may be moved: nothing in it holds its
# own place.
include(CMakePackageConfigHelpers)

# A Python wheel takes the shared library alone, beside the package's modules.
if(SKBUILD)
    install(TARGETS tileskip
        LIBRARY DESTINATION tileskip COMPONENT python
        RUNTIME DESTINATION tileskip COMPONENT python)
    return()
endif()

install(TARGETS tileskip tileskip_static EXPORT tileskip
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY include/tileskip DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tileskip)
install(EXPORT tileskip NAMESPACE tileskip:: FILE tileskip-targets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/tileskip-config.cmake.in tileskip-config.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(tileskip-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${PROJECT_BINARY_DIR}/tileskip-config.cmake
    ${PROJECT_BINARY_DIR}/tileskip-config-version.cmake
    DESTINATION ${package_dir})

# tileskip.pc finds its prefix from its own place, unless the folders are absolute.
file(RELATIVE_PATH pc_to_prefix
    ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
set(pc_prefix "\${pcfiledir}/${pc_to_prefix}")
foreach(folder LIBDIR INCLUDEDIR)
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${folder}}")
        set(pc_${folder} ${CMAKE_INSTALL_${folder}})
        set(pc_prefix ${CMAKE_INSTALL_PREFIX})
    else()
        set(pc_${folder} "\${prefix}/${CMAKE_INSTALL_${folder}}")
    endif()
endforeach()
set(pc_private "-lm")
if(CMAKE_THREAD_LIBS_INIT)
    string(APPEND pc_private " ${CMAKE_THREAD_LIBS_INIT}")
endif()
foreach(library ${CMAKE_DL_LIBS})
    string(APPEND pc_private " -l${library}")
endforeach()
configure_file(cmake/tileskip.pc.in tileskip.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tileskip.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} PATTERN draw.sh EXCLUDE)

if(TSKIP_CLI)
    install(TARGETS tileskip_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    install(FILES man/tileskip.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
