// The CUDA twin of dropout.cpp's loop; C++17, for CMake 3.25 compiles no later CUDA standard.
#include "model/dropout_cuda.hpp"

#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>

namespace causalfm::model {
namespace {

constexpr int64_t threads_a_group = 256;
constexpr int64_t most_groups = 65536;

/// One thread draws one Philox block and writes its 8 elements, 16 apart; 16 neighbouring threads write neighbouring
/// elements.
template <typename scalar>
__global__ void drop(const scalar* input, scalar* out, int64_t rows, int64_t row_elements, int64_t row_blocks,
                     DropoutMask mask) {
  const int64_t stride = int64_t{gridDim.x} * blockDim.x;
  const scalar scale = static_cast<scalar>(mask.scale);
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < rows * row_blocks; i += stride) {
    const int64_t row = i / row_blocks;
    const int64_t block = i % row_blocks;
    const PhiloxBlock words = dropout_block(mask, static_cast<uint32_t>(row), static_cast<uint32_t>(block));
    const int64_t first = block / dropout_lanes * dropout_tile + block % dropout_lanes;
    for (int64_t draw = 0; draw < dropout_draws; ++draw) {
      const int64_t element = first + draw * dropout_lanes;
      if (element < row_elements) {
        const int64_t at = row * row_elements + element;
        out[at] = dropout_keeps(mask, words[draw / 2], draw) ? input[at] * scale : scalar{0};
      }
    }
  }
}

template <typename scalar>
void launch(const at::Tensor& input, const at::Tensor& out, const DropoutMask& mask) {
  const int64_t rows = input.size(0);
  const int64_t row_elements = input.numel() / rows;
  const int64_t row_blocks = (row_elements + dropout_tile - 1) / dropout_tile * dropout_lanes;
  const int64_t groups = std::min(most_groups, (rows * row_blocks + threads_a_group - 1) / threads_a_group);
  drop<scalar><<<static_cast<unsigned>(groups), threads_a_group, 0, c10::cuda::getCurrentCUDAStream()>>>(
      input.const_data_ptr<scalar>(), out.mutable_data_ptr<scalar>(), rows, row_elements, row_blocks, mask);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace

void dropout_on_cuda(const at::Tensor& input, const at::Tensor& out, const DropoutMask& mask) {
  if (input.numel() == 0) {
    return;
  }
  const c10::DeviceGuard guard(input.device());
  if (input.scalar_type() == at::kFloat) {
    launch<float>(input, out, mask);
  } else {
    launch<double>(input, out, mask);
  }
}

}  // namespace causalfm::model
