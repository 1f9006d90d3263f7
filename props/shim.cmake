# The edge: what the report says, what the options mean, and how the libraries behave as a program's malloc.
#   trestle_edge_units   units of lib/report and of what lib/shim decides without a heap
#   shim/programs        one behaviour a program
#   faults               one fault a program: its signal and its report; shim/run.py holds each to what its source says
#   include              programs and units over the public headers, linked with the static libraries
find_package(GTest REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
include(GoogleTest)
set(EDGE ${CMAKE_CURRENT_LIST_DIR})
set(EDGE_POLICIES fast hardened debug)

# Their own binary: the other units link neither the report nor the shim. (units.cmake has what needs a whole library.)
file(GLOB EDGE_UNITS CONFIGURE_DEPENDS ${EDGE}/report/*_test.cpp ${EDGE}/shim/options_test.cpp)
add_executable(trestle_edge_units ${EDGE_UNITS} ${PROJECT_SOURCE_DIR}/lib/shim/options.cpp)
target_include_directories(trestle_edge_units PRIVATE ${EDGE} ${EDGE}/report)
target_link_libraries(trestle_edge_units PRIVATE trestle_light_flags trestle_base trestle_os trestle_report nlohmann_json::nlohmann_json
  GTest::gtest_main)
target_precompile_headers(trestle_edge_units REUSE_FROM trestle_test_main)
# Who has to find the way up without frame pointers. And what is loaded where another was: an object of two lengths of a frame.
set_source_files_properties(${EDGE}/report/unwind_tables_test.cpp ${EDGE}/report/stacks_by_tables_test.cpp PROPERTIES
  COMPILE_OPTIONS -fomit-frame-pointer SKIP_PRECOMPILE_HEADERS ON)
foreach(bytes 400 800)
  add_library(unwound_${bytes} MODULE ${EDGE}/report/unwound.c)
  target_compile_definitions(unwound_${bytes} PRIVATE FRAME_BYTES=${bytes})
  target_compile_options(unwound_${bytes} PRIVATE -O1 -fomit-frame-pointer)
  target_compile_definitions(trestle_edge_units PRIVATE UNWOUND_${bytes}="$<TARGET_FILE:unwound_${bytes}>")
  add_dependencies(trestle_edge_units unwound_${bytes})
endforeach()
if(TRESTLE_SANITIZE MATCHES thread)
  target_compile_definitions(trestle_edge_units PRIVATE TRESTLE_UNDER_TSAN=1)
else()
  target_compile_definitions(trestle_edge_units PRIVATE TRESTLE_UNDER_TSAN=0)
endif()
gtest_discover_tests(trestle_edge_units DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 60)

# A program of the tests. Without the compiler's knowledge of malloc, which would let it leave out calls.
function(edge_program target source)
  add_executable(${target} ${source})
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  target_compile_options(${target} PRIVATE -fno-builtin -g1)  # reports name its lines
  target_include_directories(${target} PRIVATE ${EDGE}/shim ${EDGE}/faults ${PROJECT_SOURCE_DIR}/lib/include)
  target_link_libraries(${target} PRIVATE trestle_flags Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

# What the tests labelled `edge` run.
add_custom_target(edge_programs)

# edge_test(NAME SOURCE TARGET HOW POLICY[=LIBRARY]...)
function(edge_test name source target how)
  add_test(NAME ${name} COMMAND /usr/bin/python3 -I -S -B ${EDGE}/shim/run.py ${source} $<TARGET_FILE:${target}> ${how} ${ARGN})
  set_tests_properties(${name} PROPERTIES TIMEOUT 60 LABELS edge)
  if(TRESTLE_COVERAGE)
    set_tests_properties(${name} PROPERTIES TIMEOUT 1200 ENVIRONMENT
      "TRESTLE_EDGE_PATIENCE=300;LLVM_PROFILE_FILE=${PROJECT_BINARY_DIR}/profiles/programs/%m%c.profraw")
  endif()
  add_dependencies(edge_programs ${target})
endfunction()

include(${EDGE}/include.cmake)

include(${EDGE}/accesses.cmake)

# Under a sanitizer malloc is the sanitizer's.
if(NOT TARGET trestle_shared_hardened)
  return()
endif()

# preloaded_programs(ROOM SOURCE...): each on every library.
function(preloaded_programs room)
  foreach(source ${ARGN})
    get_filename_component(name ${source} NAME_WE)
    edge_program(edge_${name} ${source})
    set_target_properties(edge_${name} PROPERTIES TRESTLE_UNCOUNTED ON)
    set(how preload)
    if(name STREQUAL "loaded_later")
      set(how load)
    endif()
    edge_test(${room}.${name} ${source} edge_${name} ${how} fast=$<TARGET_FILE:trestle_shared_fast>
              hardened=$<TARGET_FILE:trestle_shared_hardened> debug=$<TARGET_FILE:trestle_shared_debug>)
  endforeach()
endfunction()

add_dependencies(edge_programs trestle_shared_fast trestle_shared_hardened trestle_shared_debug)
file(GLOB programs CONFIGURE_DEPENDS ${EDGE}/shim/programs/*.c ${EDGE}/shim/programs/*.cpp)
preloaded_programs(shim ${programs})
include(${EDGE}/faults.cmake)
include(${EDGE}/outside.cmake)

add_library(edge_plugin MODULE ${EDGE}/shim/plugin.cpp)
set_target_properties(edge_plugin PROPERTIES TRESTLE_UNCOUNTED ON)
target_include_directories(edge_plugin PRIVATE ${PROJECT_SOURCE_DIR}/lib/include)
target_compile_definitions(edge_plugin PRIVATE _GNU_SOURCE)
target_link_libraries(edge_plugin PRIVATE trestle_flags)
target_compile_options(edge_plugin PRIVATE -fno-builtin)
target_compile_definitions(edge_plugin_host PRIVATE PLUGIN="$<TARGET_FILE:edge_plugin>")
add_dependencies(edge_plugin_host edge_plugin)
