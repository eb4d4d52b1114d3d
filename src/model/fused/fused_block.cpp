#include "model/fused/fused_block.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

namespace causalfm::model {
namespace {

using PackedSublayers = std::vector<std::unique_ptr<const PackedSublayer>>;

/// How the curves of a batch are divided: into parts, each the work of one thread and one sum of gradients, and these
/// into groups, which the kernels take at once. It depends on the batch alone, so that sums do not depend on the number
/// of threads: there is work for 8 threads, and for more in a larger batch, and the parts' gradients take no time.
struct Division {
  explicit Division(int64_t curves) : curves(curves) {
    const int64_t groups_of_eighth = (curves + 8 * group_curves - 1) / (8 * group_curves);
    part_curves = group_curves * std::min<int64_t>(groups_of_eighth, 8);
    parts = (curves + part_curves - 1) / part_curves;
  }

  int64_t curves_of(int64_t part) const { return std::min(part_curves, curves - part * part_curves); }

  int64_t curves;
  int64_t part_curves;
  int64_t parts;
};

/// One sublayer's run of curves in what is kept for backward: its own, then, but for the first, the state that it got.
struct KeptRun {
  float* own = nullptr;
  float* state = nullptr;
};

/// Where everything is that is kept: a tensor for every part and sublayer. No larger ones: blocks of 32 MiB and more go
/// back to the operating system when they are freed, and to get them again costs a page fault every 4 KiB.
class Layout {
 public:
  Layout(const PackedSublayers& sublayers, const at::Tensor& state)
      : division_(state.size(0)), state_size_(state.size(1) * state.size(2)) {
    for (const auto& sublayer : sublayers) {
      const int64_t own = sublayer->kept(state.size(1));
      curve_sizes_.push_back(own_sizes_.empty() ? own : own + state_size_);
      own_sizes_.push_back(own);
    }
  }

  const Division& division() const { return division_; }
  int64_t state_size() const { return state_size_; }  ///< of a curve

  std::vector<at::Tensor> make_room(const at::TensorOptions& options) const {
    std::vector<at::Tensor> kept;
    for (int64_t part = 0; part < division_.parts; ++part) {
      for (const int64_t size : curve_sizes_) kept.push_back(at::empty({division_.curves_of(part), size}, options));
    }
    return kept;
  }

  /// Elements that a group needs.
  int64_t group_elements() const {
    return group_curves * std::accumulate(curve_sizes_.begin(), curve_sizes_.end(), int64_t{0});
  }

  /// Of a group that is alone in `room`.
  KeptRun run(float* room, size_t sublayer, int64_t count) const {
    const int64_t before = std::accumulate(curve_sizes_.begin(), curve_sizes_.begin() + sublayer, int64_t{0});
    float* const own = room + count * before;
    return {own, own + count * own_sizes_[sublayer]};
  }

  /// Of the group of `count` curves from `first`, of that part.
  KeptRun run(const std::vector<at::Tensor>& kept, size_t sublayer, int64_t part, int64_t first, int64_t count) const {
    if (kept.empty()) return {};
    const at::Tensor& piece = kept[static_cast<size_t>(part) * own_sizes_.size() + sublayer];
    float* const own =
        piece.mutable_data_ptr<float>() + (first - part * division_.part_curves) * curve_sizes_[sublayer];
    return {own, own + count * own_sizes_[sublayer]};
  }

 private:
  Division division_;
  int64_t state_size_;
  std::vector<int64_t> own_sizes_;    ///< of a curve
  std::vector<int64_t> curve_sizes_;  ///< with the state; the first sublayer got the block's input, which is not copied
};

/// Calls work(part, first curve, curves, scratch) for every group, those of a part one after another on one thread.
void for_each_group(const Division& division, int64_t scratch_elements,
                    const std::function<void(int64_t part, int64_t first, int64_t count, float* scratch)>& work) {
  at::parallel_for(0, division.parts, 1, [&](int64_t begin, int64_t end) {
    const at::Tensor scratch = at::empty({scratch_elements}, at::kFloat);
    for (int64_t part = begin; part < end; ++part) {
      const int64_t start = part * division.part_curves, count = division.curves_of(part);
      for (int64_t done = 0; done < count; done += group_curves) {
        work(part, start + done, std::min(group_curves, count - done), scratch.mutable_data_ptr<float>());
      }
    }
  });
}

const float* pointer_of(const at::Tensor& values, int64_t first) {
  return values.defined() ? values.const_data_ptr<float>() + first : nullptr;
}

/// A batch's way through a block and back, with the weights laid out once for both.
class Pass : public torch::CustomClassHolder {
 public:
  Pass(const FusedBlock& block, const at::Tensor& state, std::vector<std::optional<DropoutMask>> dropouts)
      : kernels_(block.kernels),
        recomputes_(block.recompute),
        dropouts_(std::move(dropouts)),
        sublayers_(pack_all(block)),
        layout_(sublayers_, state) {}

  /// @param kept what backward needs is put there; null: nothing is kept
  at::Tensor forward(const FusedBatch& batch, std::vector<at::Tensor>* kept) const;

  /// Whether backward() computes what it needs again and is given nothing.
  bool recomputes() const { return recomputes_; }

  /// The gradients of all parameters in order; `of_state` [batch, time, width] is written.
  std::vector<at::Tensor> backward(const FusedBatch& batch, const std::vector<at::Tensor>& kept,
                                   const at::Tensor& gradient, const at::Tensor& of_state) const;

 private:
  static PackedSublayers pack_all(const FusedBlock& block) {
    PackedSublayers packed;
    for (const auto& sublayer : block.sublayers) packed.push_back(sublayer->pack(*block.kernels));
    return packed;
  }

  /// Room for a group on its way, one after another in one buffer.
  struct GroupRoom {
    float* scratch;  ///< of a sublayer
    float* states;   ///< two of the group's states
    float* kept;     ///< in backward, where it computes again
  };

  /// Calls work(part, first curve, curves, room) for every group.
  template <class Work>
  void for_each_group(const FusedBatch& batch, bool backward, const Work& work) const {
    int64_t scratch_size = 0;
    for (const auto& sublayer : sublayers_) {
      for (const bool way : {false, backward}) {
        scratch_size = std::max(scratch_size, sublayer->scratch(batch.state.size(1), way));
      }
    }
    const int64_t kept_size = backward && recomputes_ ? layout_.group_elements() : 0;
    const auto with_room = [&](int64_t part, int64_t first, int64_t count, float* buffer) {
      float* const states = buffer + scratch_size;
      work(part, first, count, GroupRoom{buffer, states, states + 2 * group_size()});
    };
    model::for_each_group(layout_.division(), scratch_size + 2 * group_size() + kept_size, with_room);
  }

  /// A group's way through all sublayers. @param kept_of KeptRun of a sublayer
  template <class KeptOf>
  void forward_group(const FusedBatch& batch, int64_t first, int64_t count, const GroupRoom& room,
                     const KeptOf& kept_of, float* out) const;

  /// The curves [first, first + count) in a sublayer, whose state is given.
  CurveRun run(const FusedBatch& batch, size_t sublayer, int64_t first, int64_t count, const float* state) const;

  int64_t group_size() const { return group_curves * layout_.state_size(); }

  const Kernels* kernels_;
  bool recomputes_;
  std::vector<std::optional<DropoutMask>> dropouts_;
  PackedSublayers sublayers_;
  Layout layout_;
};

CurveRun Pass::run(const FusedBatch& batch, size_t sublayer, int64_t first, int64_t count, const float* state) const {
  const int64_t time = batch.state.size(1);
  const std::optional<DropoutMask>& dropout = dropouts_[sublayer];
  return {count,
          time,
          batch.state.size(2),
          state,
          pointer_of(batch.observed, first * time),
          pointer_of(batch.key_scores, first * time),
          dropout ? &*dropout : nullptr,
          static_cast<uint32_t>(first)};
}

template <class KeptOf>
void Pass::forward_group(const FusedBatch& batch, int64_t first, int64_t count, const GroupRoom& room,
                         const KeptOf& kept_of, float* out) const {
  const float* state = pointer_of(batch.state, first * layout_.state_size());
  for (size_t i = 0; i < sublayers_.size(); ++i) {
    const KeptRun of_run = kept_of(i);
    if (of_run.state != nullptr && i > 0) kernels_->keep(count * layout_.state_size(), state, of_run.state);
    float* const next = i + 1 == sublayers_.size() ? out : room.states + static_cast<int64_t>(i % 2) * group_size();
    sublayers_[i]->forward(run(batch, i, first, count, state), of_run.own, room.scratch, next);
    state = next;
  }
}

at::Tensor Pass::forward(const FusedBatch& batch, std::vector<at::Tensor>* kept) const {
  at::Tensor out = at::empty_like(batch.state);
  const std::vector<at::Tensor> room = kept == nullptr ? std::vector<at::Tensor>() : layout_.make_room(out.options());
  for_each_group(batch, false, [&](int64_t part, int64_t first, int64_t count, const GroupRoom& of_group) {
    const auto kept_of = [&](size_t sublayer) { return layout_.run(room, sublayer, part, first, count); };
    forward_group(batch, first, count, of_group, kept_of, out.mutable_data_ptr<float>() + first * layout_.state_size());
  });
  if (kept != nullptr) *kept = room;
  return out;
}

std::vector<at::Tensor> Pass::backward(const FusedBatch& batch, const std::vector<at::Tensor>& kept,
                                       const at::Tensor& gradient, const at::Tensor& of_state) const {
  std::vector<GradientParts> parts;
  for (const auto& sublayer : sublayers_) parts.emplace_back(layout_.division().parts, sublayer->gradients());
  for_each_group(batch, true, [&](int64_t part, int64_t first, int64_t count, const GroupRoom& room) {
    const auto kept_of = [&](size_t sublayer) {
      return recomputes_ ? layout_.run(room.kept, sublayer, count) : layout_.run(kept, sublayer, part, first, count);
    };
    // The block's output, which nobody asks for, goes where the last sublayer's input is not.
    const auto last = static_cast<int64_t>((sublayers_.size() - 1) % 2);
    if (recomputes_) forward_group(batch, first, count, room, kept_of, room.states + last * group_size());
    const int64_t start = first * layout_.state_size();
    const float* of_out = pointer_of(gradient, start);
    for (size_t i = sublayers_.size(); i-- > 0;) {
      const KeptRun of_run = kept_of(i);
      const float* const state = i == 0 ? pointer_of(batch.state, start) : of_run.state;
      float* const of_in = i == 0 ? of_state.mutable_data_ptr<float>() + start
                                  : room.states + static_cast<int64_t>(i % 2) * group_size();
      GradientCursor cursor = parts[i].part(part);
      sublayers_[i]->backward(run(batch, i, first, count, state), of_run.own, of_out, cursor, room.scratch, of_in);
      of_out = of_in;
    }
  });
  std::vector<at::Tensor> all;
  for (size_t i = 0; i < sublayers_.size(); ++i) {
    for (at::Tensor& one : sublayers_[i]->unpack(parts[i].sum())) all.push_back(std::move(one));
  }
  return all;
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class FusedFunction : public torch::autograd::Function<FusedFunction> {
 public:
  /// @param parameters through which autograd knows whose gradients backward() returns
  static at::Tensor forward(AutogradContext* context, const at::Tensor& state, at::TensorList /*parameters*/,
                            const FusedBatch& batch, const c10::intrusive_ptr<Pass>& pass) {
    std::vector<at::Tensor> kept;
    at::Tensor out = pass->forward(batch, pass->recomputes() ? nullptr : &kept);
    kept.insert(kept.begin(), {state, batch.observed, batch.key_scores});
    context->save_for_backward(std::move(kept));
    context->saved_data["pass"] = at::IValue::make_capsule(pass);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    std::vector<at::Tensor> kept = context->get_saved_variables();
    const auto pass = c10::static_intrusive_pointer_cast<Pass>(context->saved_data["pass"].toCapsule());
    const FusedBatch batch{kept[0], kept[1], kept[2]};
    kept.erase(kept.begin(), kept.begin() + 3);
    at::Tensor of_state = at::empty_like(batch.state);
    variable_list of_inputs = pass->backward(batch, kept, gradients[0].contiguous(), of_state);
    of_inputs.insert(of_inputs.begin(), std::move(of_state));
    of_inputs.resize(of_inputs.size() + 2);  // batch and pass have none
    return of_inputs;
  }
};

}  // namespace

at::Tensor apply_fused(const FusedBlock& block, const FusedBatch& batch,
                       std::vector<std::optional<DropoutMask>> dropouts) {
  const auto pass = c10::make_intrusive<Pass>(block, batch.state, std::move(dropouts));
  if (!at::GradMode::is_enabled()) return pass->forward(batch, nullptr);
  std::vector<at::Tensor> parameters;
  for (const auto& sublayer : block.sublayers) {
    parameters.insert(parameters.end(), sublayer->parameters().begin(), sublayer->parameters().end());
  }
  return FusedFunction::apply(batch.state, at::TensorList(parameters), batch, pass);
}

}  // namespace causalfm::model
