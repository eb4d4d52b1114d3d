#pragma once

#include <cstdint>
#include <type_traits>

namespace causalfm::model {

/// Bytes of a vector register, as a type.
template <int64_t bytes>
using VectorBytes = std::integral_constant<int64_t, bytes>;

#ifdef __x86_64__
template <typename Kernel, typename... Arguments>
[[gnu::target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]] void run_on_avx512(Arguments... arguments) {
  Kernel::run(VectorBytes<64>{}, arguments...);
}

template <typename Kernel, typename... Arguments>
[[gnu::target("avx2,fma")]] void run_on_avx2(Arguments... arguments) {
  Kernel::run(VectorBytes<32>{}, arguments...);
}
#endif

/// Calls Kernel::run(VectorBytes<n>, arguments...), which must be always_inline with all that it calls, compiled for
/// the widest vectors that this processor has: one binary serves all. Not target_clones: its resolvers run before
/// ThreadSanitizer is up, and the program crashes at start (GCC 12).
template <typename Kernel, typename... Arguments>
void run_on_widest_vectors(Arguments... arguments) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return run_on_avx512<Kernel>(arguments...);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return run_on_avx2<Kernel>(arguments...);
  }
#endif
  Kernel::run(VectorBytes<16>{}, arguments...);
}

}  // namespace causalfm::model
