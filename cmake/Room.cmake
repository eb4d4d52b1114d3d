# A room is a library of its own that links exactly the rooms it may use, so that the table of docs/architecture.md is
# held by the linker as well as by launch/lint.sh.
#   causalfm_room(NAME SOURCES file... [USES room...] [LINKS target...] [PRECOMPILED])
function(causalfm_room name)
  cmake_parse_arguments(ROOM "PRECOMPILED" "" "SOURCES;USES;LINKS" ${ARGN})
  add_library(causalfm_${name} STATIC ${ROOM_SOURCES})
  add_library(causalfm::${name} ALIAS causalfm_${name})
  target_include_directories(causalfm_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                             PRIVATE ${PROJECT_SOURCE_DIR}/src)
  list(TRANSFORM ROOM_USES PREPEND causalfm::)
  target_link_libraries(causalfm_${name} PUBLIC ${ROOM_USES} ${ROOM_LINKS} PRIVATE causalfm_compile_options)
  if(ROOM_PRECOMPILED)
    causalfm_precompile(causalfm_${name})
  endif()
endfunction()

# Shares one precompiled header of ATen and autograd (some 10 s to compile) with a target that includes them.
add_library(causalfm_precompiled OBJECT ${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp)
target_link_libraries(causalfm_precompiled PRIVATE causalfm::torch causalfm_compile_options)
target_precompile_headers(causalfm_precompiled PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled.hpp)
function(causalfm_precompile target)
  target_precompile_headers(${target} REUSE_FROM causalfm_precompiled)
  # CMake compiles executables with -fPIE, and GCC then refuses the header that was precompiled with -fPIC.
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
endfunction()

# One executable a room, its fast cases and its long ones (suites named *Long) as two entries of CTest.
#   causalfm_test(ROOM SOURCES file... [LINKS target...] [PRECOMPILED])
function(causalfm_test room)
  cmake_parse_arguments(TEST "PRECOMPILED" "" "SOURCES;LINKS" ${ARGN})
  set(target test_${room})
  add_executable(${target} ${TEST_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE causalfm_${room} ${TEST_LINKS} GTest::gmock GTest::gtest_main
                        causalfm_compile_options)
  if(TEST_PRECOMPILED)
    causalfm_precompile(${target})
  endif()
  add_test(NAME ${room} COMMAND ${target} --gtest_filter=-*Long.*)
  add_test(NAME ${room}_long COMMAND ${target} --gtest_filter=*Long.*)
  set_tests_properties(${room} PROPERTIES LABELS fast TIMEOUT 300)
  set_tests_properties(${room}_long PROPERTIES LABELS long TIMEOUT 1800)
endfunction()
