# trestle_flags: what every target of the project is compiled with. trestle_library_flags: what the library is on top.
add_library(trestle_flags INTERFACE)
target_compile_options(trestle_flags INTERFACE
  -Wall -Wextra -Wundef -Wshadow -fno-omit-frame-pointer
  $<$<COMPILE_LANGUAGE:CXX>:-Wconversion>
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wthread-safety>)
if(TRESTLE_SANITIZE)
  target_compile_options(trestle_flags INTERFACE -fsanitize=${TRESTLE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(trestle_flags INTERFACE -fsanitize=${TRESTLE_SANITIZE})
endif()
# Where others choose the compiler and its flags, it may warn of what ours do not know.
if(NOT TRESTLE_FUZZING_ENGINE)
  target_compile_options(trestle_flags INTERFACE -Werror)
endif()
if(TRESTLE_LIBFUZZER AND NOT TRESTLE_FUZZING_ENGINE)
  target_compile_options(trestle_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TRESTLE_COVERAGE)
  # The counters may lie elsewhere than where they are linked: in a file that is mapped (%c), so that what a process has reached
  # counts however it ends. What has the property TRESTLE_UNCOUNTED is a test that runs on a library that is counted.
  set(counted "$<NOT:$<BOOL:$<TARGET_PROPERTY:TRESTLE_UNCOUNTED>>>")
  target_compile_options(trestle_flags INTERFACE
    "$<${counted}:-fprofile-instr-generate;-fcoverage-mapping;SHELL:-mllvm -runtime-counter-relocation>")
  target_link_options(trestle_flags INTERFACE $<${counted}:-fprofile-instr-generate>)
endif()

# trestle_light_flags: for what takes longer to build than to run, as tests and the tool do. Half of the tests are the library's
# templates once more, so that a release build still optimizes them. Under AddressSanitizer most of a build's time would be the
# optimizer's. What is released, measured or fuzzed is compiled with the preset's own flags; so is all under ThreadSanitizer,
# where the threads' schedules matter.
add_library(trestle_light_flags INTERFACE)
target_link_libraries(trestle_light_flags INTERFACE trestle_flags)
if(TRESTLE_SANITIZE MATCHES address)
  target_compile_options(trestle_light_flags INTERFACE -O0)
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(trestle_light_flags INTERFACE -O1)
endif()

# The library throws nothing, knows no run-time types and must not be turned into calls of the functions it defines.
add_library(trestle_library_flags INTERFACE)
target_link_libraries(trestle_library_flags INTERFACE trestle_flags)
target_compile_options(trestle_library_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics> -fno-builtin-malloc -fno-builtin-calloc
  -fno-builtin-realloc -fno-builtin-free)
# What looks at a class's run-time type cannot, and clang refuses the two together where the flags from outside name it.
if(TRESTLE_FUZZING_ENGINE)
  target_compile_options(trestle_library_flags INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-fno-sanitize=vptr>)
endif()
