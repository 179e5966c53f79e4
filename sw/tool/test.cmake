# Runs the tool and checks its exit status and what it prints.
# cmake -DTOOL=... -DSTATUS=n -DEXPECT=regex "-DARGUMENTS=a;b" -P test.cmake
execute_process(COMMAND ${TOOL} ${ARGUMENTS} RESULT_VARIABLE status OUTPUT_VARIABLE out ERROR_VARIABLE err)
if(NOT status STREQUAL STATUS)
  message(FATAL_ERROR "exit status ${status}, not ${STATUS}\n${out}${err}")
endif()
if(NOT "${out}${err}" MATCHES "${EXPECT}")
  message(FATAL_ERROR "'${EXPECT}' is not in the output\n${out}${err}")
endif()
