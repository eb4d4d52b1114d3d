#include "training/micro_batches.hpp"

#include "causalfm/data/slices.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace causalfm::training {

namespace {

using model::Outputs;

/// What the objective sees; the latents reach it through these alone.
constexpr std::array differentiated{&Outputs::projection_star, &Outputs::projection_instrument,
                                    &Outputs::reconstructed};
constexpr std::array all_outputs{&Outputs::z_star,          &Outputs::z_instrument,          &Outputs::z_observation,
                                 &Outputs::projection_star, &Outputs::projection_instrument, &Outputs::reconstructed};

/// Copies the outputs of a piece into those of all rows, which the first piece makes room for.
void place(const Outputs& piece, int64_t first, int64_t all_rows, Outputs& whole) {
  for (const auto member : all_outputs) {
    const at::Tensor& rows = piece.*member;
    if (!rows.defined()) continue;
    if (!(whole.*member).defined()) whole.*member = at::empty({all_rows, rows.size(1)}, rows.options());
    (whole.*member).narrow(0, first, rows.size(0)).copy_(rows);
  }
}

/// `gradients` are those of all rows, `piece` has graph.
void back_propagate(const Outputs& piece, const Outputs& gradients, int64_t first) {
  torch::autograd::variable_list roots;
  torch::autograd::variable_list gradients_at_roots;
  for (const auto member : differentiated) {
    const at::Tensor& root = piece.*member;
    if (!root.defined()) continue;
    const at::Tensor& gradient = gradients.*member;
    roots.push_back(root);
    // Zeros rather than leaving it out: a parameter that backward never reaches would hold up its bucket, and with it
    // all that follow, until the end.
    gradients_at_roots.push_back(gradient.defined() ? gradient.narrow(0, first, root.size(0)) : at::zeros_like(root));
  }
  torch::autograd::backward(roots, gradients_at_roots);
}

}  // namespace

std::vector<int64_t> rows_of_pieces(const data::LoadedStep& loaded, const config::Train& settings) {
  const int64_t rows = loaded.batch.flux.size(0);
  const at::Tensor& roles = loaded.global.role;
  const auto* const first = roles.const_data_ptr<uint8_t>();
  const auto anchors = std::count(first, first + roles.numel(), static_cast<uint8_t>(data::Role::anchor));
  const int64_t rows_per_anchor = loaded.batch.global_rows / anchors;
  const int64_t triplets = rows / rows_per_anchor;
  const int64_t most = settings.micro_batch > 0 ? settings.micro_batch : triplets;
  return data::rows_of_rank(triplets, rows_per_anchor, (triplets + most - 1) / most);
}

model::Curves rows_of(const model::Curves& curves, int64_t first, int64_t rows) {
  const auto part = [&](const at::Tensor& tensor) {
    return tensor.defined() && tensor.dim() == 2 ? tensor.narrow(0, first, rows) : tensor;
  };
  return {part(curves.flux), part(curves.time), part(curves.mask)};
}

MicroBatches::MicroBatches(const model::CausalModel& model, model::Curves curves, const model::DropoutKey& dropout,
                           std::vector<int64_t> rows_of_piece, Profile* profile)
    : model_(model),
      curves_(std::move(curves)),
      dropout_(dropout),
      rows_of_piece_(std::move(rows_of_piece)),
      profile_(profile) {}

model::Outputs MicroBatches::encode(int64_t first, int64_t rows) const {
  const model::DropoutKey dropout{dropout_.seed, dropout_.step, dropout_.first_row + first};
  const Profile::Scope scope(profile_, "forward");
  return model_.forward(rows_of(curves_, first, rows), &dropout, profile_);
}

model::Outputs MicroBatches::forward() {
  if (rows_of_piece_.size() == 1) {
    only_piece_ = encode(0, rows_of_piece_.front());
    Outputs outputs = only_piece_;
    for (const auto member : all_outputs) {
      if ((outputs.*member).defined()) outputs.*member = (outputs.*member).detach();
    }
    return outputs;
  }
  const at::NoGradGuard no_grad;
  const int64_t all_rows = std::accumulate(rows_of_piece_.begin(), rows_of_piece_.end(), int64_t{0});
  Outputs outputs;
  int64_t first = 0;
  for (const int64_t rows : rows_of_piece_) {
    place(encode(first, rows), first, all_rows, outputs);
    first += rows;
  }
  return outputs;
}

void MicroBatches::backward(const model::Outputs& gradients, GradientReduction& reduction) {
  int64_t first = 0;
  for (size_t piece = 0; piece < rows_of_piece_.size(); ++piece) {
    const int64_t rows = rows_of_piece_[piece];
    const Outputs outputs = rows_of_piece_.size() == 1 ? std::exchange(only_piece_, {}) : encode(first, rows);
    const auto back_propagate_piece = [&] { back_propagate(outputs, gradients, first); };
    if (piece + 1 < rows_of_piece_.size()) {
      const Profile::Scope scope(profile_, "backward");
      back_propagate_piece();
    } else {
      reduction.run(back_propagate_piece, profile_);
    }
    first += rows;
  }
}

}  // namespace causalfm::training
