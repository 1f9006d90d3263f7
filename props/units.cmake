# The units of lib/, in the folders of what they test. Those below the shim are one binary that does not allocate from its
# subject; the shim's link the library as its users do.
set(TRESTLE_UNITS)
foreach(folder base os span block heap)
  file(GLOB found CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cpp)
  list(APPEND TRESTLE_UNITS ${found})
endforeach()
set(TRESTLE_SHIM_UNITS ${CMAKE_CURRENT_SOURCE_DIR}/shim/block_heap_test.cpp)

function(unit_tests name)
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE trestle_flags GTest::gtest)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endfunction()

add_executable(trestle_units main.cpp ${TRESTLE_UNITS})
target_link_libraries(trestle_units PRIVATE trestle_ops ${TRESTLE_HARNESS_ROOMS})
unit_tests(trestle_units)

add_executable(trestle_shim_units main.cpp ${TRESTLE_SHIM_UNITS})
target_link_libraries(trestle_shim_units PRIVATE trestle::hardened)
unit_tests(trestle_shim_units)
