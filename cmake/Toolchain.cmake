# How every target of ours is compiled; imported targets are left alone.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CAUSALFM_CCACHE ccache)
if(CAUSALFM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # pch_defines and time_macros are what ccache's manual asks for with precompiled headers; base_dir lets a clean
  # clone in another folder hit the cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CAUSALFM_CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

add_library(causalfm_compile_options INTERFACE)
target_compile_options(causalfm_compile_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wno-unknown-pragmas -fopenmp>
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-fopenmp>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${CAUSALFM_CCACHE}>>:-fpch-preprocess>)
if(CAUSALFM_SANITIZER STREQUAL "address")
  target_compile_options(causalfm_compile_options INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer -O1)
  target_link_options(causalfm_compile_options INTERFACE -fsanitize=address,undefined)
elseif(CAUSALFM_SANITIZER STREQUAL "thread")
  target_compile_options(causalfm_compile_options INTERFACE -fsanitize=thread -O1)
  target_link_options(causalfm_compile_options INTERFACE -fsanitize=thread)
elseif(CAUSALFM_SANITIZER)
  message(FATAL_ERROR "CAUSALFM_SANITIZER is address, thread or empty, not '${CAUSALFM_SANITIZER}'")
endif()
if(CAUSALFM_SANITIZER)
  # Programs only: a copy in every room's library would be the same symbols again.
  target_sources(causalfm_compile_options INTERFACE
    $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:${PROJECT_SOURCE_DIR}/cmake/sanitizer_defaults.cpp>)
endif()
