# The shared library exports the functions of its header and nothing else.
# cmake -DNM=... -DLIBRARY=... -DHEADER=... -P exports_test.cmake
execute_process(COMMAND ${NM} --dynamic --defined-only --format=just-symbols ${LIBRARY}
  OUTPUT_VARIABLE exported RESULT_VARIABLE status)
if(status)
  message(FATAL_ERROR "${NM} ${LIBRARY}: ${status}")
endif()
string(STRIP "${exported}" exported)
string(REPLACE "\n" ";" exported "${exported}")
list(SORT exported)

file(READ ${HEADER} text)
string(REGEX REPLACE "/\\*[^*]*\\*+([^/*][^*]*\\*+)*/" "" text "${text}")
string(REGEX MATCHALL "systolith_[a-z_0-9]+\\(" declared "${text}")
string(REPLACE "(" "" declared "${declared}")
list(SORT declared)
list(REMOVE_DUPLICATES declared)

if(NOT exported STREQUAL declared)
  set(more ${exported})
  list(REMOVE_ITEM more ${declared})
  set(missing ${declared})
  list(REMOVE_ITEM missing ${exported})
  list(LENGTH more count)
  list(SUBLIST more 0 10 some)
  message(FATAL_ERROR "${count} symbols that the header does not declare: ${some}\nmissing: ${missing}")
endif()
