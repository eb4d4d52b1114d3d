# A CUDA compiler of the release that torch was built with: the system's, or the one that launch/setup.sh --cuda put
# into .venv where the system has none. Sets CMAKE_CUDA_COMPILER and CUDAToolkit_ROOT unless the user chose them.
execute_process(
  COMMAND ${CAUSALFM_PYTHON} -c
          "import runpy, sys; print(runpy.run_path(sys.argv[1])['cuda'] or '')" ${CAUSALFM_TORCH}/version.py
  OUTPUT_VARIABLE torch_cuda OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(NOT torch_cuda)
  message(FATAL_ERROR "torch in ${CAUSALFM_PYTHON} was built without CUDA: run launch/setup.sh, or turn CAUSALFM_CUDA off")
endif()

# The wheels lack what a toolkit's folder has: lib64, and library names without versions. A folder of links adds them;
# bin and lib are folders of their own in it because nvcc looks for its libraries in bin/../lib64.
function(causalfm_mirror_toolkit wheels mirror)
  foreach(folder bin lib)
    file(MAKE_DIRECTORY ${mirror}/${folder})
    file(GLOB entries RELATIVE ${wheels}/${folder} ${wheels}/${folder}/*)
    foreach(entry ${entries})
      file(CREATE_LINK ${wheels}/${folder}/${entry} ${mirror}/${folder}/${entry} SYMBOLIC)
      string(REGEX REPLACE "\\.so\\..*" ".so" plain ${entry})
      if(NOT plain STREQUAL entry)
        file(CREATE_LINK ${wheels}/${folder}/${entry} ${mirror}/${folder}/${plain} SYMBOLIC)
      endif()
    endforeach()
  endforeach()
  file(CREATE_LINK ${wheels}/include ${mirror}/include SYMBOLIC)
  file(CREATE_LINK ${wheels}/nvvm ${mirror}/nvvm SYMBOLIC)
  file(CREATE_LINK lib ${mirror}/lib64 SYMBOLIC)
endfunction()

if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  get_filename_component(cuda_wheels ${CAUSALFM_TORCH}/../nvidia/cu13 ABSOLUTE)
  if(EXISTS ${cuda_wheels}/bin/nvcc)
    set(CUDAToolkit_ROOT ${PROJECT_BINARY_DIR}/cuda-toolkit)
    causalfm_mirror_toolkit(${cuda_wheels} ${CUDAToolkit_ROOT})
    set(CMAKE_CUDA_COMPILER ${CUDAToolkit_ROOT}/bin/nvcc)
  else()
    find_program(CMAKE_CUDA_COMPILER nvcc HINTS $ENV{CUDA_HOME}/bin /usr/local/cuda/bin)
    if(NOT CMAKE_CUDA_COMPILER)
      message(FATAL_ERROR "no CUDA compiler: run launch/setup.sh --cuda, or set CUDA_HOME to a toolkit ${torch_cuda}")
    endif()
  endif()
endif()

if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80 90)  # A100 and H100: what training clusters have
endif()
set(CMAKE_CUDA_STANDARD 17)  # CMake 3.25 knows no CUDA20
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
string(REGEX MATCH "^[0-9]+" torch_cuda_major ${torch_cuda})
if(NOT CUDAToolkit_VERSION_MAJOR EQUAL torch_cuda_major)
  message(FATAL_ERROR "${CMAKE_CUDA_COMPILER} is of CUDA ${CUDAToolkit_VERSION} and torch of ${torch_cuda}: run "
                      "launch/setup.sh --cuda, or set CUDA_HOME to a toolkit ${torch_cuda_major}.x")
endif()
set(CAUSALFM_CUDA_VERSION ${CUDAToolkit_VERSION})
