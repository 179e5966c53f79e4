# Installs the driver, builds the example against it with find_package, and runs it.
# cmake -DBUILD=... -DSOURCE=... -DWORK=... -P test.cmake
file(REMOVE_RECURSE ${WORK})
foreach(command IN ITEMS
    "--install;${BUILD};--prefix;${WORK}/prefix"
    "-S;${SOURCE};-B;${WORK}/build;-DCMAKE_PREFIX_PATH=${WORK}/prefix"
    "--build;${WORK}/build")
  execute_process(COMMAND ${CMAKE_COMMAND} ${command} RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(status)
    message(FATAL_ERROR "cmake ${command}\n${out}")
  endif()
endforeach()
foreach(device IN ITEMS "model:" "sim:config=tiny")
  execute_process(COMMAND ${WORK}/build/copy ${device} RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE out)
  if(status OR NOT out MATCHES "^equal")
    message(FATAL_ERROR "copy ${device}: exit status ${status}\n${out}")
  endif()
endforeach()
