# Compiles through ccache where it is installed. Objects of the Verilated models are built with -march=native, so the
# cache is kept apart by CPU: a cache that several hosts share never hands one the vectors of another.
find_program(SYSTOLITH_CCACHE ccache)
mark_as_advanced(SYSTOLITH_CCACHE)
if(SYSTOLITH_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(cpu "${CMAKE_HOST_SYSTEM_PROCESSOR}")
  if(EXISTS /proc/cpuinfo)
    file(STRINGS /proc/cpuinfo lines REGEX "^(model name|flags|Features|CPU part)")
    list(REMOVE_DUPLICATES lines)
    string(APPEND cpu "${lines}")
  endif()
  string(SHA256 cpu "${cpu}")
  string(SUBSTRING ${cpu} 0 16 cpu)
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_NAMESPACE=systolith-${cpu} CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
    CCACHE_NOHASHDIR=1 ${SYSTOLITH_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
