// C++17, for CMake 3.25 compiles no later CUDA standard. A block has 32 channels of one curve, neighbours in memory, a
// thread each, and 8 threads a channel.
#include "model/depthwise_convolution_cuda.hpp"

#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>

namespace causalfm::model {
namespace {

constexpr int channels = 32;
constexpr int threads_a_channel = 8;

/// Successive steps that a thread computes.
constexpr int steps = 8;

/// Successive steps of a block.
constexpr int tile_steps = steps * threads_a_channel;

/// Taps whose gradients a thread sums at once, and a block.
constexpr int taps_a_thread = 4;
constexpr int taps_a_block = taps_a_thread * threads_a_channel;

constexpr int64_t most_parts = 256;
constexpr int64_t shared_bytes = 48 * 1024;

/// A curve's signal [time, width].
struct Extent {
  int64_t time;
  int width;
  int kernel;
};

/// Copies `rows` rows of the block's channels from step `first` on into shared memory, zeros beyond the curve.
template <typename scalar>
__device__ void load_rows(const scalar* curve, int64_t first, int rows, const Extent& extent, scalar* shared) {
  const int channel = blockIdx.y * channels + threadIdx.x;
  for (int row = threadIdx.y; row < rows; row += threads_a_channel) {
    const int64_t step = first + row;
    const bool inside = step >= 0 && step < extent.time && channel < extent.width;
    shared[row * channels + threadIdx.x] = inside ? curve[step * extent.width + channel] : scalar{0};
  }
}

/// Rows of the input that a tile's outputs see, and those that the window of its last thread reads beyond.
__host__ __device__ constexpr int input_rows(int kernel) { return tile_steps + kernel - 1 + steps; }

/// One tile of one curve. Each value from shared memory serves as many taps as the window has steps.
template <typename scalar>
__global__ void convolve(const scalar* input, const scalar* taps, const scalar* bias, bool reversed, Extent extent,
                         scalar* out) {
  extern __shared__ __align__(16) unsigned char room[];
  scalar* const signal = reinterpret_cast<scalar*>(room);
  scalar* const weights = signal + input_rows(extent.kernel) * channels;
  const int64_t curve = int64_t{blockIdx.x} * extent.time * extent.width;
  const int64_t first = int64_t{blockIdx.z} * tile_steps;
  const int channel = blockIdx.y * channels + threadIdx.x;
  load_rows(input + curve, first - extent.kernel / 2, input_rows(extent.kernel), extent, signal);
  for (int tap = threadIdx.y; tap < extent.kernel; tap += threads_a_channel) {
    const int from = reversed ? extent.kernel - 1 - tap : tap;
    weights[tap * channels + threadIdx.x] = channel < extent.width ? taps[from * extent.width + channel] : scalar{0};
  }
  __syncthreads();

  const scalar* const own = signal + threadIdx.y * steps * channels + threadIdx.x;
  scalar sums[steps], window[steps];
#pragma unroll
  for (int step = 0; step < steps; ++step) {
    sums[step] = bias != nullptr && channel < extent.width ? bias[channel] : scalar{0};
    window[step] = own[step * channels];
  }
  for (int first_tap = 0; first_tap < extent.kernel; first_tap += steps) {
#pragma unroll
    for (int i = 0; i < steps; ++i) {
      const int tap = first_tap + i;
      if (tap < extent.kernel) {
        const scalar weight = weights[tap * channels + threadIdx.x];
#pragma unroll
        for (int step = 0; step < steps; ++step) sums[step] += weight * window[(i + step) % steps];
        window[i] = own[(tap + steps) * channels];
      }
    }
  }
  const int64_t start = first + threadIdx.y * steps;
#pragma unroll
  for (int step = 0; step < steps; ++step) {
    if (start + step < extent.time && channel < extent.width) {
      out[curve + (start + step) * extent.width + channel] = sums[step];
    }
  }
}

/// of_taps[j, c] = sum over the curves [first_curve, last_curve) and steps t of gradient[t, c] input[t + j - kernel /
/// 2, c], for the block's channels and the taps from `first_tap`.
template <typename scalar>
__device__ void sum_taps(const scalar* input, const scalar* gradient, int64_t first_curve, int64_t last_curve,
                         int first_tap, const Extent& extent, scalar* signal, scalar* change, scalar* of_taps) {
  scalar sums[taps_a_thread] = {};
  for (int64_t curve = first_curve; curve < last_curve; ++curve) {
    const int64_t start = curve * extent.time * extent.width;
    for (int64_t tile = 0; tile < extent.time; tile += tile_steps) {
      __syncthreads();
      load_rows(input + start, tile + first_tap - extent.kernel / 2, tile_steps + taps_a_block, extent, signal);
      load_rows(gradient + start, tile, tile_steps, extent, change);
      __syncthreads();
      const scalar* const own = signal + threadIdx.y * taps_a_thread * channels + threadIdx.x;
      scalar window[taps_a_thread];
#pragma unroll
      for (int tap = 0; tap < taps_a_thread; ++tap) window[tap] = own[tap * channels];
      for (int first = 0; first < tile_steps; first += taps_a_thread) {
#pragma unroll
        for (int i = 0; i < taps_a_thread; ++i) {
          const scalar factor = change[(first + i) * channels + threadIdx.x];
#pragma unroll
          for (int tap = 0; tap < taps_a_thread; ++tap) sums[tap] += factor * window[(i + tap) % taps_a_thread];
          window[i] = own[(first + i + taps_a_thread) * channels];
        }
      }
    }
  }
  const int channel = blockIdx.y * channels + threadIdx.x;
#pragma unroll
  for (int i = 0; i < taps_a_thread; ++i) {
    const int tap = first_tap + threadIdx.y * taps_a_thread + i;
    if (tap < extent.kernel && channel < extent.width) of_taps[tap * extent.width + channel] = sums[i];
  }
}

template <typename scalar>
__global__ void backward(const scalar* input, const scalar* gradient, int64_t curves, int64_t curves_a_part,
                         Extent extent, scalar* of_taps) {
  __shared__ scalar signal[(tile_steps + taps_a_block) * channels];
  __shared__ scalar change[tile_steps * channels];
  const int64_t first = blockIdx.x * curves_a_part;
  const int64_t last = first + curves_a_part < curves ? first + curves_a_part : curves;
  for (int tap = 0; tap < extent.kernel; tap += taps_a_block) {
    sum_taps(input, gradient, first, last, tap, extent, signal, change,
             of_taps + int64_t{blockIdx.x} * extent.kernel * extent.width);
  }
}

constexpr int64_t convolve_bytes(int64_t kernel, int64_t scalar_bytes) {
  return (input_rows(static_cast<int>(kernel)) + kernel) * channels * scalar_bytes;
}

unsigned channel_blocks(int64_t width) { return static_cast<unsigned>((width + channels - 1) / channels); }

Extent extent_of(const at::Tensor& input, int64_t kernel) {
  return {input.size(1), static_cast<int>(input.size(2)), static_cast<int>(kernel)};
}

template <typename scalar>
void launch_convolve(const at::Tensor& input, const at::Tensor& taps, const at::Tensor& bias, bool reversed,
                     const at::Tensor& out) {
  const Extent extent = extent_of(input, taps.size(0));
  const dim3 blocks(static_cast<unsigned>(input.size(0)), channel_blocks(input.size(2)),
                    static_cast<unsigned>((extent.time + tile_steps - 1) / tile_steps));
  const auto bytes = static_cast<size_t>(convolve_bytes(taps.size(0), sizeof(scalar)));
  convolve<scalar><<<blocks, dim3(channels, threads_a_channel), bytes, c10::cuda::getCurrentCUDAStream()>>>(
      input.const_data_ptr<scalar>(), taps.const_data_ptr<scalar>(),
      bias.defined() ? bias.const_data_ptr<scalar>() : nullptr, reversed, extent, out.mutable_data_ptr<scalar>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

template <typename scalar>
void launch_backward(const at::Tensor& input, const at::Tensor& gradient, const at::Tensor& of_taps) {
  const int64_t curves = input.size(0), parts = of_taps.size(0);
  const dim3 blocks(static_cast<unsigned>(parts), channel_blocks(input.size(2)));
  backward<scalar><<<blocks, dim3(channels, threads_a_channel), 0, c10::cuda::getCurrentCUDAStream()>>>(
      input.const_data_ptr<scalar>(), gradient.const_data_ptr<scalar>(), curves, (curves + parts - 1) / parts,
      extent_of(input, of_taps.size(1)), of_taps.mutable_data_ptr<scalar>());
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace

bool convolves_on_cuda(int64_t kernel, at::ScalarType dtype) {
  return (dtype == at::kFloat || dtype == at::kDouble) &&
         convolve_bytes(std::min<int64_t>(kernel, shared_bytes),
                        dtype == at::kFloat ? sizeof(float) : sizeof(double)) <= shared_bytes;
}

void convolve_on_cuda(const at::Tensor& input, const at::Tensor& taps, const at::Tensor& bias, bool reversed,
                      const at::Tensor& out) {
  if (input.numel() == 0) return;
  const c10::DeviceGuard guard(input.device());
  if (input.scalar_type() == at::kFloat) {
    launch_convolve<float>(input, taps, bias, reversed, out);
  } else {
    launch_convolve<double>(input, taps, bias, reversed, out);
  }
}

int64_t convolution_parts_on_cuda(int64_t curves) { return std::clamp<int64_t>(curves, 1, most_parts); }

void convolution_backward_on_cuda(const at::Tensor& input, const at::Tensor& gradient, const at::Tensor& of_taps) {
  const c10::DeviceGuard guard(input.device());
  if (input.scalar_type() == at::kFloat) {
    launch_backward<float>(input, gradient, of_taps);
  } else {
    launch_backward<double>(input, gradient, of_taps);
  }
}

}  // namespace causalfm::model
