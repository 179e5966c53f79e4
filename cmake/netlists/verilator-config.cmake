# The function `verilate` for a Verilator that comes without CMake files, as Python's package of it does: the part of its
# arguments that SystolithVerilate.cmake passes, and files where the usual function has them. VERILATOR_ROOT: a folder
# with bin/verilator_bin and include/.
if(NOT EXISTS ${VERILATOR_ROOT}/bin/verilator_bin OR NOT EXISTS ${VERILATOR_ROOT}/include/verilated.h)
  message(FATAL_ERROR "VERILATOR_ROOT has no Verilator: '${VERILATOR_ROOT}'")
endif()

function(verilate target)
  cmake_parse_arguments(arg "" "PREFIX;TOP_MODULE" "SOURCES;VERILATOR_ARGS;INCLUDE_DIRS;OPT_SLOW;OPT_FAST" ${ARGN})
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${target}.dir/${arg_PREFIX}.dir)
  file(MAKE_DIRECTORY ${folder})
  list(TRANSFORM arg_INCLUDE_DIRS PREPEND -I)
  # Now, not when building: what it writes is what the target is made of. A changed source runs CMake again.
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env VERILATOR_ROOT=${VERILATOR_ROOT} ${VERILATOR_ROOT}/bin/verilator_bin
      --cc --make json --compiler clang --top-module ${arg_TOP_MODULE} --prefix ${arg_PREFIX} --Mdir ${folder}
      ${arg_INCLUDE_DIRS} ${arg_VERILATOR_ARGS} ${arg_SOURCES}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
    RESULT_VARIABLE status
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(status)
    message(FATAL_ERROR "Verilator failed for ${target}\n${output}")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${arg_SOURCES})
  file(READ ${folder}/${arg_PREFIX}.json written)
  foreach(set IN ITEMS global classes_fast classes_slow support_fast support_slow)
    string(JSON length ERROR_VARIABLE missing LENGTH "${written}" sources ${set})
    if(missing OR length EQUAL 0)
      continue()
    endif()
    set(flags ${arg_OPT_FAST})
    if(set MATCHES slow)
      set(flags ${arg_OPT_SLOW})
    endif()
    list(JOIN flags " " flags)
    math(EXPR last "${length} - 1")
    foreach(i RANGE ${last})
      string(JSON file GET "${written}" sources ${set} ${i})
      target_sources(${target} PRIVATE ${file})
      set_source_files_properties(${file} PROPERTIES COMPILE_FLAGS " ${flags}")
    endforeach()
  endforeach()
  target_include_directories(${target} PUBLIC ${folder} ${VERILATOR_ROOT}/include ${VERILATOR_ROOT}/include/vltstd)
  target_compile_definitions(${target} PRIVATE VM_COVERAGE=0 VM_SC=0 VM_TRACE=0 VM_TRACE_VCD=0 VM_TRACE_FST=0)
  target_link_libraries(${target} PUBLIC Threads::Threads)
endfunction()
