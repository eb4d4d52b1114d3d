#include "model/kernels/kernels.hpp"

#ifdef __x86_64__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace causalfm::model {
namespace {

#ifdef __x86_64__

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool has_avx512() { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"); }

bool has_avx512_bf16() {
  return has_avx512() && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bf16");
}

/// Linux gives a process the tiles' registers when it asks for them (arch/x86/include/uapi/asm/prctl.h).
bool may_use_tiles() {
  constexpr long request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

bool has_amx() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (!has_avx512_bf16() || __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  constexpr unsigned bfloat16 = 1U << 22, tiles = 1U << 24;
  static const bool permitted = (edx & bfloat16) != 0 && (edx & tiles) != 0 && may_use_tiles();
  return permitted;
}

#endif

}  // namespace

std::vector<const Kernels*> supported_kernels(Products products) {
  std::vector<const Kernels*> supported;
#ifdef __x86_64__
  const bool float32 = products == Products::full;
  if (!float32 && has_amx()) supported.push_back(&amx_kernels());
  if (!float32 && has_avx512_bf16()) supported.push_back(&avx512_bf16_kernels());
  if (has_avx512()) supported.push_back(float32 ? &avx512_kernels() : &avx512_bfloat16_kernels());
  if (has_avx2()) supported.push_back(float32 ? &avx2_kernels() : &avx2_bfloat16_kernels());
#endif
  return supported;
}

}  // namespace causalfm::model
