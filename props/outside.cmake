# What the world outside does to a program under the preloaded libraries: calls of the system that fail, and limits.
set(OUTSIDE ${CMAKE_CURRENT_LIST_DIR}/outside)
add_executable(outside_refused_calls ${OUTSIDE}/broad.cpp ${OUTSIDE}/limits.cpp ${OUTSIDE}/refusals.cpp
  ${OUTSIDE}/refused_calls.cpp)
target_compile_definitions(outside_refused_calls PRIVATE _GNU_SOURCE)
target_compile_options(outside_refused_calls PRIVATE -fno-builtin -g1)
target_include_directories(outside_refused_calls PRIVATE
  ${EDGE}/shim ${PROJECT_SOURCE_DIR}/lib ${PROJECT_SOURCE_DIR}/lib/include)
target_link_libraries(outside_refused_calls PRIVATE trestle_flags Threads::Threads ${CMAKE_DL_LIBS})
# It stands between the library and the system.
set_target_properties(outside_refused_calls PROPERTIES ENABLE_EXPORTS ON CXX_VISIBILITY_PRESET default)
set(options_fast decay_ms=0)
set(options_hardened decay_ms=0:sample=20)
set(options_debug decay_ms=0:sample=20:leak_check=0)
foreach(policy ${EDGE_POLICIES})
  add_test(NAME outside.refused_calls.${policy} COMMAND outside_refused_calls all)
  set_tests_properties(outside.refused_calls.${policy} PROPERTIES TIMEOUT 300 ENVIRONMENT
    "LD_PRELOAD=$<TARGET_FILE:trestle_shared_${policy}>;TRESTLE_OPTIONS=${options_${policy}}")
endforeach()
