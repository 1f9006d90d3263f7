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

foreach(folder base os span block slab heap leak)
  file(GLOB units CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cpp)
  unit_tests(${folder} ${units})
  target_link_libraries(trestle_units_${folder} PRIVATE trestle_ops trestle_leak ${TRESTLE_HARNESS_ROOMS})
endforeach()

# The harness that runs threads a step at a time, and the library's own mutex under it.
if(TARGET trestle_stepped_objects)
  file(GLOB units CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/stepped/*_test.cpp)
  unit_tests(stepped ${units} $<TARGET_OBJECTS:trestle_stepped_objects>)
  target_include_directories(trestle_units_stepped BEFORE PRIVATE ${PROJECT_SOURCE_DIR}/fuzz/stepped)
  target_link_libraries(trestle_units_stepped PRIVATE trestle_ops trestle_heap_host)
endif()

foreach(heap block_heap bitmap_heap)
  unit_tests(${heap} ${CMAKE_CURRENT_SOURCE_DIR}/shim/${heap}_test.cpp)
  target_link_libraries(trestle_units_${heap} PRIVATE trestle::hardened)
endforeach()
