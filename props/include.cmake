# The public headers, by programs that are linked with the static libraries. Under a sanitizer these hold the prefixed
# interface alone, so that what needs malloc to be ours is for the other builds.
file(GLOB INTERFACE_UNITS CONFIGURE_DEPENDS ${EDGE}/include/*_test.cpp)
# Compiled once: nothing in the headers depends on a policy.
add_library(include_units OBJECT ${INTERFACE_UNITS})
target_link_libraries(include_units PRIVATE trestle_include trestle_light_flags GTest::gtest nlohmann_json::nlohmann_json)
foreach(policy ${EDGE_POLICIES})
  add_executable(include_units_${policy} $<TARGET_OBJECTS:include_units>)
  target_link_libraries(include_units_${policy} PRIVATE trestle::${policy} trestle_light_flags GTest::gtest_main)
  gtest_discover_tests(include_units_${policy} TEST_PREFIX include.${policy}. DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 60 ENVIRONMENT TRESTLE_OPTIONS=sample=0)
endforeach()

# linked(NAME SOURCE POLICY FLAGS...)
function(linked name source policy)
  edge_program(include_${name} ${EDGE}/include/${source})
  target_link_libraries(include_${name} PRIVATE trestle::${policy})
  target_compile_options(include_${name} PRIVATE ${ARGN})
  edge_test(include.${name} ${EDGE}/include/${source} include_${name} linked ${policy})
endfunction()

linked(c11 c11.c hardened -std=c11 -pedantic -Wall -Wextra -Werror)
linked(check_in_debug check_macro.c debug -UNDEBUG)
linked(check_under_ndebug check_macro_ndebug.c debug -DNDEBUG)
if(NOT TRESTLE_INSTRUMENTED)
  foreach(policy ${EDGE_POLICIES})
    linked(malloc_is_ours_${policy} malloc_is_ours.c ${policy})
    linked(new_is_ours_${policy} new_is_ours.cpp ${policy})
    linked(double_free_linked_${policy} double_free_linked.c ${policy})
  endforeach()
endif()
