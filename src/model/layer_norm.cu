// C++17, for CMake 3.25 compiles no later CUDA standard.
#include "model/layer_norm_cuda.hpp"

#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>

namespace causalfm::model {
namespace {

constexpr int warp_lanes = 32;
constexpr int warps_a_block = 8;
constexpr int64_t most_blocks = 1056;

/// One row, every 32nd element of it in a lane.
template <typename scalar, int elements>
struct Row {
  __device__ void load(const scalar* from, int width, int lane) {
#pragma unroll
    for (int i = 0; i < elements; ++i) {
      const int column = lane + i * warp_lanes;
      values[i] = column < width ? from[column] : scalar{0};
    }
  }

  __device__ void store(scalar* to, int width, int lane) const {
#pragma unroll
    for (int i = 0; i < elements; ++i) {
      const int column = lane + i * warp_lanes;
      if (column < width) to[column] = values[i];
    }
  }

  scalar values[elements];
};

/// The sum over the lanes of a warp, in every lane.
template <typename scalar>
__device__ scalar sum_of_lanes(scalar value) {
#pragma unroll
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(0xffffffffU, value, distance);
  }
  return value;
}

/// Makes the row's mean 0 and its variance 1; returns 1 / deviation.
template <typename scalar, int elements>
__device__ scalar normalise(Row<scalar, elements>& row, int width, int lane, scalar epsilon) {
  scalar sum = 0;
#pragma unroll
  for (int i = 0; i < elements; ++i) sum += row.values[i];
  const scalar mean = sum_of_lanes(sum) / static_cast<scalar>(width);
  scalar squares = 0;
#pragma unroll
  for (int i = 0; i < elements; ++i) {
    row.values[i] = lane + i * warp_lanes < width ? row.values[i] - mean : scalar{0};
    squares += row.values[i] * row.values[i];
  }
  const scalar inverse_deviation = rsqrt(sum_of_lanes(squares) / static_cast<scalar>(width) + epsilon);
#pragma unroll
  for (int i = 0; i < elements; ++i) row.values[i] *= inverse_deviation;
  return inverse_deviation;
}

__device__ int64_t first_row() { return int64_t{blockIdx.x} * warps_a_block + threadIdx.y; }
__device__ int64_t row_stride() { return int64_t{gridDim.x} * warps_a_block; }

template <typename scalar, int elements>
__global__ void forward(const scalar* input, const scalar* weight, const scalar* bias, int64_t rows, int width,
                        scalar epsilon, scalar* out) {
  const int lane = threadIdx.x;
  Row<scalar, elements> weights, biases;
  weights.load(weight, width, lane);
  biases.load(bias, width, lane);
  for (int64_t r = first_row(); r < rows; r += row_stride()) {
    Row<scalar, elements> row;
    row.load(input + r * width, width, lane);
    normalise(row, width, lane, epsilon);
#pragma unroll
    for (int i = 0; i < elements; ++i) row.values[i] = row.values[i] * weights.values[i] + biases.values[i];
    row.store(out + r * width, width, lane);
  }
}

/// Adds up the warps' rows of `sums` and stores them. All threads of the block take part.
template <typename scalar, int elements>
__device__ void store_block_sum(const Row<scalar, elements>& sums, int width, scalar* to) {
  __shared__ scalar shared[warps_a_block][elements * warp_lanes];
  sums.store(shared[threadIdx.y], elements * warp_lanes, threadIdx.x);
  __syncthreads();
  for (int column = threadIdx.y * warp_lanes + threadIdx.x; column < width; column += warps_a_block * warp_lanes) {
    scalar sum = 0;
    for (int warp = 0; warp < warps_a_block; ++warp) sum += shared[warp][column];
    to[column] = sum;
  }
  __syncthreads();
}

/// With n the normalised row and g = gradient x weight, the gradient of the input is
/// (g - mean(g) - n mean(g n)) / deviation; those of weight and bias are sums of gradient x n and of gradient.
template <typename scalar, int elements>
__global__ void backward(const scalar* input, const scalar* weight, const scalar* gradient, int64_t rows, int width,
                         scalar epsilon, scalar* of_input, scalar* of_parameters) {
  const int lane = threadIdx.x;
  Row<scalar, elements> weights, of_weight{}, of_bias{};
  weights.load(weight, width, lane);
  for (int64_t r = first_row(); r < rows; r += row_stride()) {
    Row<scalar, elements> row, of_row;
    row.load(input + r * width, width, lane);
    of_row.load(gradient + r * width, width, lane);
    const scalar inverse_deviation = normalise(row, width, lane, epsilon);
    scalar sum = 0, product = 0;
#pragma unroll
    for (int i = 0; i < elements; ++i) {
      of_weight.values[i] += of_row.values[i] * row.values[i];
      of_bias.values[i] += of_row.values[i];
      of_row.values[i] *= weights.values[i];
      sum += of_row.values[i];
      product += of_row.values[i] * row.values[i];
    }
    const scalar mean = sum_of_lanes(sum) / static_cast<scalar>(width);
    const scalar mean_product = sum_of_lanes(product) / static_cast<scalar>(width);
#pragma unroll
    for (int i = 0; i < elements; ++i) {
      of_row.values[i] = (of_row.values[i] - mean - row.values[i] * mean_product) * inverse_deviation;
    }
    of_row.store(of_input + r * width, width, lane);
  }
  scalar* const part = of_parameters + int64_t{blockIdx.x} * 2 * width;
  store_block_sum(of_weight, width, part);
  store_block_sum(of_bias, width, part + width);
}

/// Calls launch.template run<scalar, elements>() for the number of elements a lane that the width needs.
template <typename scalar, typename Launch>
void with_elements(int64_t width, const Launch& launch) {
  if (width <= 1 * warp_lanes) return launch.template run<scalar, 1>();
  if (width <= 2 * warp_lanes) return launch.template run<scalar, 2>();
  if (width <= 4 * warp_lanes) return launch.template run<scalar, 4>();
  if (width <= 8 * warp_lanes) return launch.template run<scalar, 8>();
  launch.template run<scalar, 16>();
}

template <typename Launch>
void with_scalar(const at::Tensor& input, const Launch& launch) {
  const c10::DeviceGuard guard(input.device());
  if (input.scalar_type() == at::kFloat) {
    with_elements<float>(input.size(1), launch);
  } else {
    with_elements<double>(input.size(1), launch);
  }
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

struct Forward {
  template <typename scalar, int elements>
  void run() const {
    const int64_t rows = input.size(0);
    const dim3 threads(warp_lanes, warps_a_block);
    forward<scalar, elements>
        <<<static_cast<unsigned>(norm_parts_on_cuda(rows)), threads, 0, c10::cuda::getCurrentCUDAStream()>>>(
            input.const_data_ptr<scalar>(), weight.const_data_ptr<scalar>(), bias.const_data_ptr<scalar>(), rows,
            static_cast<int>(input.size(1)), static_cast<scalar>(epsilon), out.mutable_data_ptr<scalar>());
  }

  const at::Tensor &input, &weight, &bias;
  double epsilon;
  const at::Tensor& out;
};

struct Backward {
  template <typename scalar, int elements>
  void run() const {
    const int64_t rows = input.size(0);
    const dim3 threads(warp_lanes, warps_a_block);
    backward<scalar, elements>
        <<<static_cast<unsigned>(norm_parts_on_cuda(rows)), threads, 0, c10::cuda::getCurrentCUDAStream()>>>(
            input.const_data_ptr<scalar>(), weight.const_data_ptr<scalar>(), gradient.const_data_ptr<scalar>(), rows,
            static_cast<int>(input.size(1)), static_cast<scalar>(epsilon), of_input.mutable_data_ptr<scalar>(),
            of_parameters.mutable_data_ptr<scalar>());
  }

  const at::Tensor &input, &weight;
  double epsilon;
  const at::Tensor &gradient, &of_input, &of_parameters;
};

}  // namespace

int64_t norm_parts_on_cuda(int64_t rows) {
  return std::clamp<int64_t>((rows + warps_a_block - 1) / warps_a_block, 1, most_blocks);
}

void layer_norm_on_cuda(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, double epsilon,
                        const at::Tensor& out) {
  with_scalar(input, Forward{input, weight, bias, epsilon, out});
}

void layer_norm_backward_on_cuda(const at::Tensor& input, const at::Tensor& weight, double epsilon,
                                 const at::Tensor& gradient, const at::Tensor& of_input,
                                 const at::Tensor& of_parameters) {
  with_scalar(input, Backward{input, weight, epsilon, gradient, of_input, of_parameters});
}

}  // namespace causalfm::model
