# causalfm::torch: LibTorch as the wheel of .venv brings it, as a target of our own. The wheel's TorchConfig.cmake insists
# on a CUDA toolkit even for the CPU, probes for a GPU and adds flags to every target; the libraries are all we need:
# libtorch_cpu and libc10, and for CUDA libtorch_cuda, libc10_cuda and the runtime. The wheel's libgomp is linked so that
# one OpenMP runtime serves the process. Also part of the installed package: imported targets are named there, not copied.
set(CAUSALFM_PYTHON ${PROJECT_SOURCE_DIR}/.venv/bin/python CACHE FILEPATH "Python whose torch is built against")
execute_process(
  COMMAND ${CAUSALFM_PYTHON} -c
          "import importlib.util as u, os; print(os.path.dirname(u.find_spec('torch').origin))"
  OUTPUT_VARIABLE CAUSALFM_TORCH OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE torch_missing)
if(torch_missing)
  message(FATAL_ERROR "no torch in ${CAUSALFM_PYTHON}: run launch/setup.sh, or set CAUSALFM_PYTHON")
endif()
file(GLOB torch_gomp ${CAUSALFM_TORCH}/lib/libgomp*.so.1 ${CAUSALFM_TORCH}/../torch.libs/libgomp*.so*)

add_library(causalfm::torch INTERFACE IMPORTED)
# After the system's folders: the wheel also carries headers of fmt, of another version than Debian's spdlog is built with.
# nvcc knows no such order, and no CUDA source of ours logs.
foreach(folder ${CAUSALFM_TORCH}/include ${CAUSALFM_TORCH}/include/torch/csrc/api/include)
  target_compile_options(causalfm::torch INTERFACE
    "$<$<NOT:$<COMPILE_LANGUAGE:CUDA>>:SHELL:-idirafter ${folder}>"
    "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-isystem ${folder}>")
endforeach()
target_link_directories(causalfm::torch INTERFACE ${CAUSALFM_TORCH}/lib)
target_link_libraries(causalfm::torch INTERFACE
  ${CAUSALFM_TORCH}/lib/libtorch_cpu.so ${CAUSALFM_TORCH}/lib/libc10.so ${torch_gomp})

if(CAUSALFM_CUDA)
  # ATen's headers need what __half and __nv_bfloat16 hide, and host constexpr functions (std::array) in kernels.
  target_compile_options(causalfm::torch INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr
    -D__CUDA_NO_HALF_OPERATORS__ -D__CUDA_NO_HALF_CONVERSIONS__ -D__CUDA_NO_HALF2_OPERATORS__
    -D__CUDA_NO_BFLOAT16_CONVERSIONS__>)
  # Nothing of ours may refer to libtorch_cuda by name, yet loading it is what registers the CUDA kernels.
  target_link_libraries(causalfm::torch INTERFACE
    -Wl,--no-as-needed ${CAUSALFM_TORCH}/lib/libtorch_cuda.so ${CAUSALFM_TORCH}/lib/libc10_cuda.so -Wl,--as-needed
    CUDA::cudart)
endif()
