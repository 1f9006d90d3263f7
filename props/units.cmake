# The units of lib/, in the folders of what they test: one binary and one test a folder. Those below the shim do not
# allocate from their subject; the shim's link the library as its users do.
function(unit_tests name)
  add_executable(trestle_units_${name} $<TARGET_OBJECTS:trestle_test_main> ${ARGN})
  target_include_directories(trestle_units_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(trestle_units_${name} PRIVATE trestle_light_flags GTest::gtest)
  target_precompile_headers(trestle_units_${name} REUSE_FROM trestle_test_main)
  if(TRESTLE_SANITIZE MATCHES thread)
    target_compile_definitions(trestle_units_${name} PRIVATE TRESTLE_UNDER_TSAN=1)
  else()
    target_compile_definitions(trestle_units_${name} PRIVATE TRESTLE_UNDER_TSAN=0)
  endif()
  add_test(NAME units.${name} COMMAND trestle_units_${name})
endfunction()

foreach(folder base os span block slab heap)
  file(GLOB units CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cpp)
  unit_tests(${folder} ${units})
  target_link_libraries(trestle_units_${folder} PRIVATE trestle_ops ${TRESTLE_HARNESS_ROOMS})
endforeach()

unit_tests(block_heap ${CMAKE_CURRENT_SOURCE_DIR}/shim/block_heap_test.cpp)
target_link_libraries(trestle_units_block_heap PRIVATE trestle::hardened)
