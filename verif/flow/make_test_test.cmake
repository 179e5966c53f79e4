# The project's Makefile and presets on a project with planted tests: exit status and summary of `make test`.
# cmake -DSOURCE=... -DWORK=... -DMAKE=... -P make_test_test.cmake
file(REMOVE_RECURSE ${WORK})
file(COPY ${SOURCE}/Makefile ${SOURCE}/CMakePresets.json DESTINATION ${WORK})
file(WRITE ${WORK}/CMakeLists.txt [[
cmake_minimum_required(VERSION 3.25)
project(planted LANGUAGES NONE)
enable_testing()
add_test(NAME passes COMMAND sh -c "exit 0")
add_test(NAME fails COMMAND sh -c "exit 1")
add_test(NAME crashes COMMAND sh -c "kill -SEGV $$")
add_test(NAME hangs COMMAND sleep 60)
set_tests_properties(hangs PROPERTIES TIMEOUT 1)
add_test(NAME missing COMMAND ${CMAKE_CURRENT_BINARY_DIR}/no_such_program)
]])
foreach(variable IN ITEMS MAKEFLAGS MFLAGS MAKELEVEL CTEST_PARALLEL_LEVEL)
  unset(ENV{${variable}})
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} --preset release WORKING_DIRECTORY ${WORK}
  RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE out)
if(status)
  message(FATAL_ERROR "the planted project can't be configured\n${out}")
endif()

# Tests that match `filter`: `make test` ends well or not, and says `expect`.
function(check filter well expect)
  # -o: what is to be built or installed is left out.
  execute_process(COMMAND ${MAKE} -o build -o python test "CTEST=-R ${filter}" JOBS=2 WORKING_DIRECTORY ${WORK}
    RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(well AND status OR NOT well AND NOT status)
    message(SEND_ERROR "make test of '${filter}': exit status ${status}\n${out}${err}")
  endif()
  if(NOT "${out}${err}" MATCHES "${expect}")
    message(SEND_ERROR "make test of '${filter}': '${expect}' is not in the output\n${out}${err}")
  endif()
endfunction()

check("^passes" TRUE "100% tests passed")
check("^no_such_test" FALSE "No tests were found")
check("^fails" FALSE "fails [(]Failed[)]")
check("^crashes" FALSE "crashes [(]SEGFAULT[)]")
check("^hangs" FALSE "hangs [(]Timeout[)]")
check("^missing" FALSE "missing [(]Not Run[)]")
check("^passes\|^crashes" FALSE "50% tests passed")
