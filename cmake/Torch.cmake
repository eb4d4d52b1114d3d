# causalfm::torch: LibTorch as the wheel of .venv brings it. The CPU build takes libtorch_cpu and libc10 alone, for the
# wheel's own TorchConfig.cmake insists on a CUDA toolkit. The wheel's libgomp is linked so that one OpenMP runtime
# serves the process.
set(CAUSALFM_PYTHON ${PROJECT_SOURCE_DIR}/.venv/bin/python CACHE FILEPATH "Python whose torch is built against")
execute_process(
  COMMAND ${CAUSALFM_PYTHON} -c
          "import importlib.util as u, os; print(os.path.dirname(u.find_spec('torch').origin))"
  OUTPUT_VARIABLE CAUSALFM_TORCH OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE torch_missing)
if(torch_missing)
  message(FATAL_ERROR "no torch in ${CAUSALFM_PYTHON}: run launch/setup.sh, or set CAUSALFM_PYTHON")
endif()
file(GLOB torch_gomp ${CAUSALFM_TORCH}/lib/libgomp*.so.1 ${CAUSALFM_TORCH}/../torch.libs/libgomp*.so*)

add_library(causalfm_torch INTERFACE)
add_library(causalfm::torch ALIAS causalfm_torch)
target_include_directories(causalfm_torch SYSTEM INTERFACE
  ${CAUSALFM_TORCH}/include ${CAUSALFM_TORCH}/include/torch/csrc/api/include)
target_link_directories(causalfm_torch INTERFACE ${CAUSALFM_TORCH}/lib)
target_link_libraries(causalfm_torch INTERFACE
  ${CAUSALFM_TORCH}/lib/libtorch_cpu.so ${CAUSALFM_TORCH}/lib/libc10.so ${torch_gomp})
set(CMAKE_BUILD_RPATH ${CAUSALFM_TORCH}/lib)
