# Runs COMMAND for five seconds; fails unless it goes on until Ctrl-C ends it, and has printed results by then.
execute_process(COMMAND timeout --signal=INT --kill-after=20 5 ${COMMAND}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
string(REGEX MATCHALL "\"result\":\"pass\"" passed "${output}")
list(LENGTH passed count)
if(NOT status EQUAL 124 OR count LESS 2)
  message(FATAL_ERROR "status ${status} instead of 124, or ${count} results:\n${output}${errors}")
endif()
