# Verilator models of a configuration, and unit tests of single modules on them.
find_package(verilator 5.006 REQUIRED HINTS $ENV{VERILATOR_ROOT})
find_package(Threads REQUIRED)

include(CheckCXXCompilerFlag)

# With g++, vector constants from memory: version 12 else makes them anew from integers within the loops, 10 to 20 % of their instructions.
set(SYSTOLITH_VECTOR_TUNING)
check_cxx_compiler_flag(-mtune-ctrl=^inter_unit_moves_to_vec SYSTOLITH_HAS_TUNE_CONTROL)
if(SYSTOLITH_HAS_TUNE_CONTROL)
  set(SYSTOLITH_VECTOR_TUNING -mtune-ctrl=^inter_unit_moves_to_vec)
endif()

option(SYSTOLITH_PROFILE "Models with debug information, for scripts/bench to tell a profile by unit" OFF)

option(SYSTOLITH_COVERAGE "Models that count covered lines and cover points, see scripts/coverage" OFF)
set(SYSTOLITH_TOGGLE_CONFIGS "" CACHE STRING "With coverage: configurations whose devices count toggles too")

set(SYSTOLITH_NETLISTS "" CACHE PATH "Folder of files that stand for sources of their names, see scripts/netlist-mutants")
set(SYSTOLITH_NETLISTS_TESTS "" CACHE STRING "With netlists, which are of one configuration: the unit tests to build")

set(SYSTOLITH_RTL ${PROJECT_SOURCE_DIR}/rtl)

# Blocks in compile order; each has a files.f with paths relative to rtl/.
set(SYSTOLITH_BLOCKS common bus registers scratchpad accumulators load store matrix command_processor top)

# Sets OUT to the sources of CONFIG for the named blocks (packages first). CONFIG: a folder of rtl/config, or any absolute one.
function(systolith_rtl_sources out config)
  cmake_path(ABSOLUTE_PATH config BASE_DIRECTORY ${SYSTOLITH_RTL}/config)
  set(files ${config}/systolith_config_pkg.sv)
  file(STRINGS ${SYSTOLITH_RTL}/packages.f lines)
  foreach(block IN ITEMS ${ARGN})
    file(STRINGS ${SYSTOLITH_RTL}/${block}/files.f block_lines)
    list(APPEND lines ${block_lines})
  endforeach()
  foreach(line IN LISTS lines)
    list(APPEND files ${SYSTOLITH_RTL}/${line})
  endforeach()
  set(${out} ${files} PARENT_SCOPE)
endfunction()

# Puts files of the folder of netlists in the place of those of their names.
function(systolith_take_netlists list)
  set(taken)
  foreach(source IN LISTS ${list})
    cmake_path(GET source FILENAME file)
    if(EXISTS ${SYSTOLITH_NETLISTS}/${file})
      set(source ${SYSTOLITH_NETLISTS}/${file})
    endif()
    list(APPEND taken ${source})
  endforeach()
  set(${list} ${taken} PARENT_SCOPE)
endfunction()

# systolith_verilate(TARGET CONFIG c TOP t BLOCKS b... [PREFIX p] [TRACE] [PARAMETERS -GX=1 ...])
# Adds a Verilated model to TARGET. No module uses every constant of the packages. The hot code needs -O3 and the host's vectors; the rest compiles fast.
function(systolith_verilate target)
  cmake_parse_arguments(arg "TRACE" "CONFIG;TOP;PREFIX" "BLOCKS;PARAMETERS;SOURCES" ${ARGN})
  systolith_rtl_sources(sources ${arg_CONFIG} ${arg_BLOCKS})
  list(APPEND sources ${arg_SOURCES})
  if(NOT arg_PREFIX)
    set(arg_PREFIX V${arg_TOP})
  endif()
  set(trace)
  # Verilator writes more parentheses than clang likes.
  set(quiet -Wno-parentheses-equality)
  set(optimisation -O3 -march=native ${SYSTOLITH_VECTOR_TUNING})
  if(arg_TRACE)
    # The code that writes waveforms is large, so it is compiled fast. It has all arrays of registers; memories are kept
    # out by verif/sim/trace.vlt.
    set(trace TRACE_FST)
    list(APPEND arg_PARAMETERS +define+SYSTOLITH_WAVES --trace-max-array 16384 --trace-max-width 4096)
    list(PREPEND sources ${PROJECT_SOURCE_DIR}/verif/sim/trace.vlt)
    set(optimisation -O1)
  endif()
  set(slow -O0)
  set(unite ON)
  set(warnings -Wall)
  if(SYSTOLITH_NETLISTS)
    # Built for few runs. Names and widths in a netlist are the tool's; loops are of bits that it put into one vector.
    systolith_take_netlists(sources)
    list(APPEND sources ${SYSTOLITH_NETLISTS}/public.vlt)
    set(optimisation -O1)
    set(warnings -Wno-lint -Wno-style -Wno-UNOPTFLAT)
  endif()
  if(SYSTOLITH_PROFILE)
    list(APPEND optimisation -g)
  endif()
  if(SYSTOLITH_COVERAGE AND NOT arg_TRACE)
    # Split or reordered blocks test conditions again where they count: after the arm changed them.
    list(APPEND arg_PARAMETERS --coverage-line --coverage-user -fno-split -fno-reorder +define+SYSTOLITH_COVERAGE
      +define+SYSTOLITH_TOP=${arg_TOP}
      +define+SYSTOLITH_MODEL=${target}.${arg_PREFIX})
    list(APPEND sources ${PROJECT_SOURCE_DIR}/verif/coverage/coverage_counters.sv)
    target_link_libraries(${target} PRIVATE systolith_coverage)
    set(optimisation -O1)
    set(slow -O1)
    if(arg_TOP STREQUAL simulated_device AND arg_CONFIG IN_LIST SYSTOLITH_TOGGLE_CONFIGS)
      # Large files enough.
      list(APPEND arg_PARAMETERS --coverage-toggle)
      set(slow -O0)
      set(unite OFF)
    endif()
  endif()
  verilate(${target} ${trace}
    SOURCES ${PROJECT_SOURCE_DIR}/verif/sim/memories.vlt ${sources}
    TOP_MODULE ${arg_TOP}
    PREFIX ${arg_PREFIX}
    INCLUDE_DIRS ${SYSTOLITH_RTL}/common
    OPT_FAST ${quiet} ${optimisation}
    OPT_SLOW ${quiet} ${slow}
    VERILATOR_ARGS --assert ${warnings} -Wno-SYNCASYNCNET -Wno-UNUSEDPARAM --unroll-count 1 --x-assign fast --x-initial fast ${arg_PARAMETERS})
  if(unite)
    systolith_unite(${target} ${arg_PREFIX})
  endif()
endfunction()

# Compiles what Verilator wrote as PREFIX for TARGET as one file a set of flags: a third of the time, most of which goes
# into headers. CMake's own unity build leaves out files with flags of their own.
function(systolith_unite target prefix)
  get_target_property(sources ${target} SOURCES)
  set(sets)
  foreach(source IN LISTS sources)
    if(source MATCHES "/${prefix}\\.dir/[^/]*\\.cpp$")
      get_source_file_property(flags ${source} COMPILE_FLAGS)
      list(FIND sets "${flags}" number)
      if(number EQUAL -1)
        list(LENGTH sets number)
        list(APPEND sets "${flags}")
      endif()
      cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} OUTPUT_VARIABLE relative)
      string(APPEND united_${number} "#include \"${relative}\"\n")
      set_source_files_properties(${source} PROPERTIES HEADER_FILE_ONLY ON)
    endif()
  endforeach()
  set(number 0)
  foreach(flags IN LISTS sets)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/${target}_${prefix}_${number}.cpp)
    file(CONFIGURE OUTPUT ${file} CONTENT "${united_${number}}" @ONLY)
    set_source_files_properties(${file} PROPERTIES COMPILE_FLAGS "${flags}")
    target_sources(${target} PRIVATE ${file})
    math(EXPR number "${number} + 1")
  endforeach()
endfunction()

# systolith_unit_test(NAME TOP module CONFIG c BLOCKS b... SOURCES cpp... [SV extra.sv] [PARAMETERS ...] [LABELS ...]
#   [NOT_HERE pattern...])   NOT_HERE: tests whose subject this configuration does not have
function(systolith_unit_test name)
  cmake_parse_arguments(arg "" "TOP;CONFIG" "BLOCKS;SOURCES;SV;PARAMETERS;LABELS;LIBRARIES;NOT_HERE" ${ARGN})
  # A coverage build has the named configurations alone.
  set(here ON)
  if(SYSTOLITH_COVERAGE AND arg_CONFIG AND EXISTS ${SYSTOLITH_RTL}/config/${arg_CONFIG}
      AND NOT arg_CONFIG IN_LIST SYSTOLITH_CONFIGS)
    set(here OFF)
  endif()
  if(NOT arg_CONFIG)
    set(arg_CONFIG 16x16)
    if(SYSTOLITH_NETLISTS)
      set(arg_CONFIG ${SYSTOLITH_CONFIGS})
    endif()
  endif()
  if(SYSTOLITH_NETLISTS AND NOT name IN_LIST SYSTOLITH_NETLISTS_TESTS)
    set(here OFF)
  endif()
  add_executable(${name} ${arg_SOURCES})
  if(NOT here)
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    return()
  endif()
  systolith_verilate(${name} CONFIG ${arg_CONFIG} TOP ${arg_TOP} BLOCKS ${arg_BLOCKS}
    PARAMETERS ${arg_PARAMETERS} SOURCES ${arg_SV})
  target_link_libraries(${name} PRIVATE GTest::gtest_main ${arg_LIBRARIES})
  list(JOIN arg_NOT_HERE ":" not_here)
  set(filter)
  if(not_here)
    set(filter TEST_FILTER "-${not_here}")
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}." ${filter} DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "unit;${arg_LABELS}" TIMEOUT 300)
endfunction()
