# A program for every kind of fault, under every policy that sees it. Some forge what only a bug of the heap's own would
# leave behind: they find the heap in the library's memory and reach into it past its access control (forge.hpp).
file(GLOB faults CONFIGURE_DEPENDS ${EDGE}/faults/*.c ${EDGE}/faults/*.cpp)
preloaded_programs(faults ${faults})
set_source_files_properties(${EDGE}/faults/frameless.c PROPERTIES COMPILE_OPTIONS -fomit-frame-pointer)
set_tests_properties(faults.report_refused PROPERTIES TIMEOUT 300)  # for each fault a stderr is full for some seconds
# A program for every fault of docs/threat-model.md, over sizes, ways in and moments.
file(GLOB matrix CONFIGURE_DEPENDS ${EDGE}/faults/matrix/*.cpp)
preloaded_programs(matrix ${matrix})
foreach(source ${matrix})
  get_filename_component(name ${source} NAME_WE)
  set_tests_properties(matrix.${name} PROPERTIES TIMEOUT 600)  # hundreds of processes each
endforeach()
file(GLOB forged RELATIVE ${EDGE}/faults CONFIGURE_DEPENDS ${EDGE}/faults/forged_*.cpp ${EDGE}/faults/matrix/forged_*.cpp)
foreach(source ${forged})
  get_filename_component(name ${source} NAME_WE)
  target_include_directories(edge_${name} PRIVATE ${PROJECT_SOURCE_DIR}/lib)
  target_compile_options(edge_${name} PRIVATE -fno-access-control -Wno-invalid-offsetof)
endforeach()
add_test(NAME faults.every_kind COMMAND /usr/bin/python3 -I -S -B ${EDGE}/faults/every_kind.py
  ${PROJECT_SOURCE_DIR}/lib/include/trestle/trestle.h ${EDGE}/faults)
add_test(NAME faults.every_row COMMAND /usr/bin/python3 -I -S -B ${EDGE}/faults/every_row.py
  ${PROJECT_SOURCE_DIR}/docs/threat-model.md ${EDGE}/faults ${EDGE}/shim/programs)
