# The commands for gdb on a process and its core, under every policy, where there is a gdb that knows Python.
find_program(TRESTLE_GDB gdb)
set(knows_python no)
if(TRESTLE_GDB)
  execute_process(COMMAND ${TRESTLE_GDB} -nx -batch -ex "python print('yes')"
    OUTPUT_VARIABLE knows_python ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
if(NOT knows_python STREQUAL yes)
  message(STATUS "No gdb that knows Python: its commands are not tested")
  return()
endif()

# As its author would debug it: nothing is optimized away.
add_executable(gdb_program ${CMAKE_CURRENT_LIST_DIR}/program.c)
target_compile_definitions(gdb_program PRIVATE _GNU_SOURCE)
target_compile_options(gdb_program PRIVATE -g -O0 -fno-builtin)
target_include_directories(gdb_program PRIVATE ${PROJECT_SOURCE_DIR}/lib/include)
target_link_libraries(gdb_program PRIVATE trestle_flags ${CMAKE_DL_LIBS})
foreach(policy fast hardened debug)
  add_test(NAME tools.gdb.${policy} COMMAND /usr/bin/python3 -I -S -B ${CMAKE_CURRENT_LIST_DIR}/run.py
    ${TRESTLE_GDB} ${CMAKE_STRIP} ${policy} $<TARGET_FILE:trestle_shared_${policy}> $<TARGET_FILE:gdb_program>)
  set_tests_properties(tools.gdb.${policy} PROPERTIES TIMEOUT 300)
endforeach()
