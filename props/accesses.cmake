# What the tools that look at each access, AddressSanitizer and Valgrind's memcheck, say of the heap's bytes, in programs that are
# linked with a library that tells them whose bytes those are.
add_library(accesses OBJECT ${EDGE}/accesses/accesses.c)
target_link_libraries(accesses PRIVATE trestle_include trestle_flags)
target_compile_options(accesses PRIVATE -fno-builtin)

# accesses_of(TOOL LIBRARY...): one of each policy.
function(accesses_of tool)
  foreach(library ${ARGN})
    string(REGEX REPLACE ".*_" "" policy ${library})
    add_executable(accesses_${policy} $<TARGET_OBJECTS:accesses>)
    set_target_properties(accesses_${policy} PROPERTIES LINKER_LANGUAGE CXX)
    target_link_libraries(accesses_${policy} PRIVATE ${library} trestle_flags Threads::Threads)
    add_test(NAME accesses.${policy}
      COMMAND /usr/bin/python3 -I -S -B ${EDGE}/accesses/${tool}.py $<TARGET_FILE:accesses_${policy}> ${policy})
    set_tests_properties(accesses.${policy} PROPERTIES TIMEOUT 300)
  endforeach()
endfunction()

if(TRESTLE_SANITIZE MATCHES address)
  accesses_of(asan trestle_hardened trestle_fast trestle_debug)
elseif(TRESTLE_HAS_MEMCHECK AND NOT TRESTLE_INSTRUMENTED)
  accesses_of(memcheck trestle_watched_hardened trestle_watched_fast trestle_watched_debug)
endif()
