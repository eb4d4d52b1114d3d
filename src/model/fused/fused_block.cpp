#include "model/fused/fused_block.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <functional>

namespace causalfm::model {
namespace {

using PackedSublayers = std::vector<std::unique_ptr<const PackedSublayer>>;

/// How the curves of a batch are divided: into parts, each the work of one thread and one sum of gradients, and these
/// into groups, which the kernels take at once. It depends on the batch alone, so that sums do not depend on the number
/// of threads: 16 threads have work, and the parts' gradients take no time.
struct Division {
  explicit Division(int64_t curves) : curves(curves) {
    const int64_t groups = (curves + 8 * group_curves - 1) / (8 * group_curves);
    part_curves = group_curves * std::min<int64_t>(groups, 8);
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
  std::vector<int64_t> own_sizes_;  ///< of a curve
  std::vector<int64_t>
      curve_sizes_;  ///< with the state; the first sublayer's is the block's input, which is not copied
};

PackedSublayers pack_all(const std::vector<std::unique_ptr<FusedSublayer>>& sublayers, const Kernels& kernels) {
  PackedSublayers packed;
  for (const auto& sublayer : sublayers) packed.push_back(sublayer->pack(kernels));
  return packed;
}

int64_t scratch_of(const PackedSublayers& sublayers, int64_t time, bool backward) {
  int64_t most = 0;
  for (const auto& sublayer : sublayers) most = std::max(most, sublayer->scratch(time, backward));
  return most;
}

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

/// The curves [first, first + count) on their way through a sublayer.
CurveRun run_of(const FusedBlock::Call& call, size_t sublayer, int64_t first, int64_t count, const float* state) {
  const int64_t time = call.state.size(1);
  const std::optional<DropoutMask>& dropout = call.dropouts[sublayer];
  return {count,
          time,
          call.state.size(2),
          state,
          pointer_of(call.observed, first * time),
          pointer_of(call.key_scores, first * time),
          dropout ? &*dropout : nullptr,
          static_cast<uint32_t>(first)};
}

}  // namespace

std::vector<at::Tensor> FusedBlock::parameters() const {
  std::vector<at::Tensor> all;
  for (const auto& sublayer : sublayers_) {
    all.insert(all.end(), sublayer->parameters().begin(), sublayer->parameters().end());
  }
  return all;
}

at::Tensor FusedBlock::forward(const Call& call, std::vector<at::Tensor>* kept) const {
  const PackedSublayers packed = pack_all(sublayers_, *kernels_);
  const Layout layout(packed, call.state);
  const int64_t group_size = group_curves * layout.state_size();
  const int64_t scratch_size = scratch_of(packed, call.state.size(1), false);
  at::Tensor out = at::empty_like(call.state);
  const std::vector<at::Tensor> room = kept == nullptr ? std::vector<at::Tensor>() : layout.make_room(out.options());
  const auto work = [&](int64_t part, int64_t first, int64_t count, float* scratch) {
    const float* state = pointer_of(call.state, first * layout.state_size());
    for (size_t i = 0; i < packed.size(); ++i) {
      const KeptRun of_run = layout.run(room, i, part, first, count);
      if (of_run.state != nullptr && i > 0) kernels_->keep(count * layout.state_size(), state, of_run.state);
      float* const next = i + 1 == packed.size() ? out.mutable_data_ptr<float>() + first * layout.state_size()
                                                 : scratch + scratch_size + static_cast<int64_t>(i % 2) * group_size;
      packed[i]->forward(run_of(call, i, first, count, state), of_run.own, scratch, next);
      state = next;
    }
  };
  for_each_group(layout.division(), scratch_size + 2 * group_size, work);
  if (kept != nullptr) *kept = room;
  return out;
}

std::vector<at::Tensor> FusedBlock::backward(const Call& call, const std::vector<at::Tensor>& kept,
                                             const at::Tensor& gradient, const at::Tensor& of_state) const {
  const PackedSublayers packed = pack_all(sublayers_, *kernels_);
  const Layout layout(packed, call.state);
  const int64_t group_size = group_curves * layout.state_size();
  const int64_t scratch_size = scratch_of(packed, call.state.size(1), true);
  std::vector<GradientParts> parts;
  for (const auto& sublayer : packed) parts.emplace_back(layout.division().parts, sublayer->gradients());
  const auto work = [&](int64_t part, int64_t first, int64_t count, float* scratch) {
    const int64_t start = first * layout.state_size();
    const float* of_out = pointer_of(gradient, start);
    for (size_t i = packed.size(); i-- > 0;) {
      const KeptRun of_run = layout.run(kept, i, part, first, count);
      const float* const state = i == 0 ? pointer_of(call.state, start) : of_run.state;
      float* const of_in = i == 0 ? of_state.mutable_data_ptr<float>() + start
                                  : scratch + scratch_size + static_cast<int64_t>(i % 2) * group_size;
      GradientCursor cursor = parts[i].part(part);
      packed[i]->backward(run_of(call, i, first, count, state), of_run.own, of_out, cursor, scratch, of_in);
      of_out = of_in;
    }
  };
  for_each_group(layout.division(), scratch_size + 2 * group_size, work);
  std::vector<at::Tensor> all;
  for (size_t i = 0; i < packed.size(); ++i) {
    for (at::Tensor& one : packed[i]->unpack(parts[i].sum())) all.push_back(std::move(one));
  }
  return all;
}

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A call without its tensors, which autograd keeps.
struct CallRecord : torch::CustomClassHolder {
  CallRecord(c10::intrusive_ptr<FusedBlock> block, FusedBlock::Call call)
      : block(std::move(block)), call(std::move(call)) {}

  c10::intrusive_ptr<FusedBlock> block;
  FusedBlock::Call call;
};

class FusedFunction : public torch::autograd::Function<FusedFunction> {
 public:
  /// @param parameters through which autograd knows whose gradients backward() returns
  static at::Tensor forward(AutogradContext* context, const at::Tensor& state, at::TensorList /*parameters*/,
                            const c10::intrusive_ptr<CallRecord>& record) {
    FusedBlock::Call& call = record->call;
    std::vector<at::Tensor> kept;
    at::Tensor out = record->block->forward(call, &kept);
    kept.insert(kept.begin(), {state, call.observed, call.key_scores});
    context->save_for_backward(std::move(kept));
    call.state = call.observed = call.key_scores = at::Tensor();
    context->saved_data["record"] = at::IValue::make_capsule(record);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    std::vector<at::Tensor> kept = context->get_saved_variables();
    const auto record = c10::static_intrusive_pointer_cast<CallRecord>(context->saved_data["record"].toCapsule());
    FusedBlock::Call call = record->call;
    call.state = kept[0];
    call.observed = kept[1];
    call.key_scores = kept[2];
    kept.erase(kept.begin(), kept.begin() + 3);
    at::Tensor of_state = at::empty_like(call.state);
    variable_list of_inputs = record->block->backward(call, kept, gradients[0].contiguous(), of_state);
    of_inputs.insert(of_inputs.begin(), std::move(of_state));
    of_inputs.emplace_back();
    return of_inputs;
  }
};

}  // namespace

at::Tensor apply_fused(const c10::intrusive_ptr<FusedBlock>& block, const FusedBlock::Call& call) {
  if (!at::GradMode::is_enabled()) return block->forward(call, nullptr);
  return FusedFunction::apply(call.state, at::TensorList(block->parameters()),
                              c10::make_intrusive<CallRecord>(block, call));
}

}  // namespace causalfm::model
