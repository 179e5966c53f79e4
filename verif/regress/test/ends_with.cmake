# Runs COMMAND; fails unless it ends with STATUS and prints MESSAGE.
execute_process(COMMAND ${COMMAND} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
string(FIND "${output}" "${MESSAGE}" found)
if(NOT status STREQUAL STATUS OR found EQUAL -1)
  message(FATAL_ERROR "status ${status} instead of ${STATUS}, or not '${MESSAGE}':\n${output}")
endif()
