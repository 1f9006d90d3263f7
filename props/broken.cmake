# Small allocators with one bug each, and one without, for which `trestle conform` has to tell them apart.
file(GLOB broken RELATIVE ${CMAKE_CURRENT_LIST_DIR}/broken CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/broken/*.c)
foreach(source ${broken})
  get_filename_component(name ${source} NAME_WE)
  add_library(broken_${name} MODULE broken/${source})
  set_target_properties(broken_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/broken)
  target_compile_definitions(broken_${name} PRIVATE _GNU_SOURCE)
  target_compile_options(broken_${name} PRIVATE -fno-builtin)
  target_link_libraries(broken_${name} PRIVATE trestle_flags Threads::Threads)
  list(APPEND broken_allocators broken_${name})
endforeach()
add_custom_target(broken_allocators DEPENDS ${broken_allocators})
