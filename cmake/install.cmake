# What `cmake --install` puts where: the static and shared libraries, the public headers, the tool, the commands for gdb,
# the CMake package and a pkg-config file a policy. All of it finds its parts from its own place, so a prefix may be moved.
include(CMakePackageConfigHelpers)
set(TRESTLE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/trestle)
set(TRESTLE_PKGCONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/lib/include/trestle TYPE INCLUDE)
if(NOT TRESTLE_INSTRUMENTED)
  install(TARGETS trestle_tool)
endif()

# trestle::POLICY is the static library, trestle::shared_POLICY the one that can be preloaded.
foreach(policy hardened fast debug)
  foreach(kind "" shared_)
    if(TARGET trestle_${kind}${policy})
      set_target_properties(trestle_${kind}${policy} PROPERTIES EXPORT_NAME ${kind}${policy})
      install(TARGETS trestle_${kind}${policy} EXPORT trestleTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    endif()
  endforeach()
endforeach()
install(EXPORT trestleTargets NAMESPACE trestle:: DESTINATION ${TRESTLE_CMAKE_DIR})

configure_package_config_file(cmake/trestleConfig.cmake.in ${PROJECT_BINARY_DIR}/trestleConfig.cmake
  INSTALL_DESTINATION ${TRESTLE_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/trestleConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/trestleConfig.cmake ${PROJECT_BINARY_DIR}/trestleConfigVersion.cmake
  DESTINATION ${TRESTLE_CMAKE_DIR})

file(RELATIVE_PATH TRESTLE_PREFIX_FROM_PC ${CMAKE_INSTALL_PREFIX}/${TRESTLE_PKGCONFIG_DIR} ${CMAKE_INSTALL_PREFIX})
foreach(name trestle trestle-fast trestle-debug)
  string(REGEX REPLACE "^trestle-?" "" TRESTLE_POLICY ${name})
  if(NOT TRESTLE_POLICY)
    set(TRESTLE_POLICY hardened)
  endif()
  set(TRESTLE_LIBRARY ${name})
  configure_file(cmake/trestle.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${TRESTLE_PKGCONFIG_DIR})
endforeach()

# The commands for gdb, and beside each shared library what loads them with it.
set(TRESTLE_GDB_DIR ${CMAKE_INSTALL_DATADIR}/trestle/gdb)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/tools/gdb/ DESTINATION ${TRESTLE_GDB_DIR} FILES_MATCHING
  PATTERN "*.py" PATTERN test EXCLUDE PATTERN __pycache__ EXCLUDE)
file(RELATIVE_PATH TRESTLE_GDB_FROM_LIB
  ${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR} ${CMAKE_INSTALL_PREFIX}/${TRESTLE_GDB_DIR})
configure_file(cmake/trestle-gdb.py.in ${PROJECT_BINARY_DIR}/trestle-gdb.py @ONLY)
foreach(policy hardened fast debug)
  if(TARGET trestle_shared_${policy})
    install(FILES ${PROJECT_BINARY_DIR}/trestle-gdb.py DESTINATION ${CMAKE_INSTALL_LIBDIR}
      RENAME $<TARGET_FILE_NAME:trestle_shared_${policy}>-gdb.py)
  endif()
endforeach()

# The component `harness`, which a plain install leaves out: what `trestle props` and `trestle test` run where there are no
# sources. (fuzz/CMakeLists.txt has the fuzz targets' part, bench/CMakeLists.txt that of `trestle bench`.)
if(TARGET trestle_props)
  get_property(tests DIRECTORY ${PROJECT_SOURCE_DIR}/props PROPERTY BUILDSYSTEM_TARGETS)
  list(FILTER tests INCLUDE REGEX "^(trestle_(props|units_.*|edge_units)|include_units_.*)$")
  install(TARGETS ${tests} DESTINATION ${CMAKE_INSTALL_LIBDIR}/trestle/props COMPONENT harness EXCLUDE_FROM_ALL)
  add_custom_target(installed_tests DEPENDS ${tests})
endif()
