#include "model/dropout.hpp"

#include "causalfm/model/error.hpp"
#include "model/dropout_cuda.hpp"
#include "model/dropout_mask.hpp"
#include "model/instruction_set.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace causalfm::model {
namespace {

/// The Philox words of one tile of a row: dropout_block() in lanes. 0.54 ns an element on one Zen 4 core, where a loop
/// over dropout_block() takes 1.3, for GCC keeps the counter in lanes only when each round is a loop of its own.
[[gnu::always_inline]] inline void draw_tile(const DropoutMask& mask, uint32_t row, uint32_t tile,
                                             uint32_t (&words)[4][dropout_lanes]) {
  for (uint32_t lane = 0; lane < dropout_lanes; ++lane) {
    words[0][lane] = tile * static_cast<uint32_t>(dropout_lanes) + lane;
    words[1][lane] = mask.layer;
    words[2][lane] = mask.first_row + row;
    words[3][lane] = mask.step;
  }
  PhiloxKey key = mask.key;
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (int64_t lane = 0; lane < dropout_lanes; ++lane) {
      const uint64_t product0 = uint64_t{0xD2511F53} * words[0][lane];
      const uint64_t product1 = uint64_t{0xCD9E8D57} * words[2][lane];
      words[0][lane] = static_cast<uint32_t>(product1 >> 32) ^ words[1][lane] ^ key.low;
      words[1][lane] = static_cast<uint32_t>(product1);
      words[2][lane] = static_cast<uint32_t>(product0 >> 32) ^ words[3][lane] ^ key.high;
      words[3][lane] = static_cast<uint32_t>(product0);
    }
    key.low += 0x9E3779B9U;
    key.high += 0xBB67AE85U;
  }
}

/// One row of `count` elements.
template <typename scalar>
struct RowDropout {
  template <int64_t bytes>
  [[gnu::always_inline]] static inline void run(VectorBytes<bytes>, DropoutMask mask, uint32_t row, const scalar* input,
                                                scalar* out, int64_t count) {
    const auto scale = static_cast<scalar>(mask.scale);
    alignas(64) uint32_t words[4][dropout_lanes];
    const int64_t whole = count / dropout_tile * dropout_tile;
    for (int64_t start = 0; start < whole; start += dropout_tile) {
      draw_tile(mask, row, static_cast<uint32_t>(start / dropout_tile), words);
      for (int64_t draw = 0; draw < dropout_draws; ++draw) {
        const int64_t first = start + draw * dropout_lanes;
#pragma omp simd
        for (int64_t lane = 0; lane < dropout_lanes; ++lane) {
          const bool kept = ((words[draw / 2][lane] >> (16 * (draw % 2))) & 0xffffU) < mask.threshold;
          out[first + lane] = kept ? input[first + lane] * scale : scalar{0};
        }
      }
    }
    if (whole < count) {
      draw_tile(mask, row, static_cast<uint32_t>(whole / dropout_tile), words);
      for (int64_t i = whole; i < count; ++i) {
        const int64_t draw = (i - whole) / dropout_lanes;
        const uint32_t word = words[draw / 2][(i - whole) % dropout_lanes];
        out[i] = dropout_keeps(mask, word, draw) ? input[i] * scale : scalar{0};
      }
    }
  }
};

template <typename scalar>
void drop_rows(const at::Tensor& input, const at::Tensor& out, const DropoutMask& mask) {
  const int64_t count = input.numel() / input.size(0);
  const auto* const from = input.const_data_ptr<scalar>();
  auto* const to = out.mutable_data_ptr<scalar>();
  at::parallel_for(0, input.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      run_on_widest_vectors<RowDropout<scalar>>(mask, static_cast<uint32_t>(row), from + row * count, to + row * count,
                                                count);
    }
  });
}

at::Tensor masked(const at::Tensor& input, const DropoutMask& mask) {
  const at::Tensor from = input.contiguous();
  at::Tensor out = at::empty_like(from);
  if (from.is_cuda()) {
    dropout_on_cuda(from, out, mask);
  } else if (from.numel() > 0) {
    AT_DISPATCH_FLOATING_TYPES(from.scalar_type(), "dropout", [&] { drop_rows<scalar_t>(from, out, mask); });
  }
  return out;
}

/// The threshold at which nothing is dropped.
constexpr int64_t everything = 65536;

int64_t threshold_of(double rate) { return std::max<int64_t>(1, std::llround(everything * (1.0 - rate))); }

DropoutMask mask_of(int64_t seed, int64_t step, int64_t first_row, int64_t layer, int64_t threshold) {
  return {philox_key(static_cast<uint64_t>(seed), RandomStream::dropout),
          static_cast<uint32_t>(layer),
          static_cast<uint32_t>(step),
          static_cast<uint32_t>(first_row),
          static_cast<uint32_t>(threshold),
          65536.0 / static_cast<double>(threshold)};
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class Dropout : public torch::autograd::Function<Dropout> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, int64_t seed, int64_t step,
                            int64_t first_row, int64_t layer, int64_t threshold) {
    context->saved_data["mask"] = std::vector<int64_t>{seed, step, first_row, layer, threshold};
    return masked(input, mask_of(seed, step, first_row, layer, threshold));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto of = context->saved_data["mask"].toIntVector();
    return {masked(gradients[0], mask_of(of[0], of[1], of[2], of[3], of[4])), {}, {}, {}, {}, {}};
  }
};

void check(int64_t rows, const DropoutKey& key, int64_t layer, double rate) {
  if (!(rate >= 0.0 && rate < 1.0)) {
    throw ModelError("dropout: the rate " + std::to_string(rate) + " is not in [0, 1); set model.dropout below 1");
  }
  constexpr int64_t most = std::numeric_limits<uint32_t>::max();
  if (std::min({key.step, key.first_row, layer}) < 0 || std::max({key.step, key.first_row + rows, layer}) > most) {
    throw ModelError("dropout: step " + std::to_string(key.step) + ", first row " + std::to_string(key.first_row) +
                     " and layer " + std::to_string(layer) + " must each fit 32 bits of the counter");
  }
}

}  // namespace

at::Tensor dropout(const at::Tensor& input, const DropoutKey& key, int64_t layer, double rate) {
  if (input.dim() == 0 || (input.scalar_type() != at::kFloat && input.scalar_type() != at::kDouble)) {
    throw ModelError("dropout: expected rows of float32 or float64, got " + std::to_string(input.dim()) +
                     " dimensions of " + c10::toString(input.scalar_type()) + "; convert the input");
  }
  check(input.size(0), key, layer, rate);
  const int64_t threshold = threshold_of(rate);
  if (threshold == everything) return input;
  return Dropout::apply(input, static_cast<int64_t>(key.seed), key.step, key.first_row, layer, threshold);
}

std::optional<DropoutMask> dropout_mask(int64_t rows, const DropoutKey& key, int64_t layer, double rate) {
  check(rows, key, layer, rate);
  const int64_t threshold = threshold_of(rate);
  if (threshold == everything) return std::nullopt;
  return mask_of(static_cast<int64_t>(key.seed), key.step, key.first_row, layer, threshold);
}

}  // namespace causalfm::model
