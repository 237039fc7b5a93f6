# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The tileskip authors

# What `make install` copies, in three components that a distribution makes packages of: `runtime`
# (the shared library; where it is built, the command with its man page), `development` (headers,
# the static library, tileskip.pc, the CMake package) and `documentation`. An installed tree may be
# moved: nothing in it holds its own place.
include(CMakePackageConfigHelpers)

# A Python wheel takes the shared library alone, beside the package's modules.
if(SKBUILD)
    install(TARGETS tileskip
        LIBRARY DESTINATION tileskip COMPONENT python
        RUNTIME DESTINATION tileskip COMPONENT python)
    return()
endif()

install(TARGETS tileskip tileskip_static EXPORT tileskip
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
    RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
install(DIRECTORY include/tileskip DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
    FILES_MATCHING PATTERN *.h)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tileskip)
install(EXPORT tileskip NAMESPACE tileskip:: FILE tileskip-targets.cmake
    DESTINATION ${package_dir} COMPONENT development)
configure_package_config_file(cmake/tileskip-config.cmake.in tileskip-config.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(tileskip-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    ${PROJECT_BINARY_DIR}/tileskip-config.cmake
    ${PROJECT_BINARY_DIR}/tileskip-config-version.cmake
    DESTINATION ${package_dir} COMPONENT development)

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
install(FILES ${PROJECT_BINARY_DIR}/tileskip.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# Pages and examples lie to each other as in the source tree, so that links between them hold. The
# headers do not.
file(RELATIVE_PATH doc_to_headers
    ${CMAKE_INSTALL_FULL_DOCDIR} ${CMAKE_INSTALL_FULL_INCLUDEDIR}/tileskip)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS README.md)
file(READ README.md readme)
string(REPLACE "](include/tileskip)" "](${doc_to_headers})" readme "${readme}")
file(CONFIGURE OUTPUT README.md CONTENT "${readme}" @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/README.md CHANGELOG.md CONTRIBUTING.md
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation
    FILES_MATCHING PATTERN *.md PATTERN *.txt PATTERN *.png)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT documentation
    FILES_MATCHING PATTERN [0-9]*.c PATTERN *.md PATTERN *.safetensors PATTERN *.ipynb)

if(TSKIP_CLI)
    install(TARGETS tileskip_command
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
    install(FILES man/tileskip.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT runtime)
endif()
