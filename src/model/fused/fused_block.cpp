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

/// Where a run of curves has what is kept for backward: for each sublayer what it keeps itself, then, but for the
/// first, the state that it got.
class Layout {
 public:
  Layout(const PackedSublayers& sublayers, const at::Tensor& state) : state_size_(state.size(1) * state.size(2)) {
    for (const auto& sublayer : sublayers) {
      starts_.push_back(curve_size_);
      own_sizes_.push_back(sublayer->kept(state.size(1)));
      curve_size_ += own_sizes_.back() + (starts_.size() > 1 ? state_size_ : 0);
    }
  }

  int64_t curve_size() const { return curve_size_; }
  int64_t state_size() const { return state_size_; }  ///< of a curve

  float* own(float* of_run, int64_t curves, size_t sublayer) const {
    return of_run == nullptr ? nullptr : of_run + starts_[sublayer] * curves;
  }
  float* state(float* of_run, int64_t curves, size_t sublayer) const {
    return own(of_run, curves, sublayer) + own_sizes_[sublayer] * curves;
  }

 private:
  int64_t state_size_;
  int64_t curve_size_ = 0;
  std::vector<int64_t> starts_;
  std::vector<int64_t> own_sizes_;
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

/// Curves that one thread takes at once, group by group, into one sum of gradients. It depends on the batch alone, so
/// that sums do not depend on the number of threads: 16 threads have work, and the parts' gradients take no time.
int64_t curves_of_part(int64_t curves) {
  const int64_t groups = (curves + 16 * group_curves - 1) / (16 * group_curves);
  return group_curves * std::min<int64_t>(groups, 8);
}

/// Calls work(first curve, curves, part, scratch) for every group, those of a part one after another on one thread.
void for_each_group(int64_t curves, int64_t scratch_elements,
                    const std::function<void(int64_t first, int64_t count, int64_t part, float* scratch)>& work) {
  const int64_t part_curves = curves_of_part(curves);
  at::parallel_for(0, (curves + part_curves - 1) / part_curves, 1, [&](int64_t begin, int64_t end) {
    const at::Tensor scratch = at::empty({scratch_elements}, at::kFloat);
    for (int64_t first = begin * part_curves; first < std::min(curves, end * part_curves); first += group_curves) {
      work(first, std::min(group_curves, curves - first), first / part_curves, scratch.mutable_data_ptr<float>());
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

at::Tensor FusedBlock::forward(const Call& call, at::Tensor* kept) const {
  const PackedSublayers packed = pack_all(sublayers_, *kernels_);
  const Layout layout(packed, call.state);
  const int64_t curves = call.state.size(0), group_size = group_curves * layout.state_size();
  const int64_t scratch_size = scratch_of(packed, call.state.size(1), false);
  at::Tensor out = at::empty_like(call.state);
  float* kept_start = nullptr;
  if (kept != nullptr) {
    *kept = at::empty({curves, layout.curve_size()}, call.state.options());
    kept_start = kept->mutable_data_ptr<float>();
  }
  for_each_group(curves, scratch_size + 2 * group_size, [&](int64_t first, int64_t count, int64_t, float* scratch) {
    float* const of_run = kept_start == nullptr ? nullptr : kept_start + first * layout.curve_size();
    const float* state = pointer_of(call.state, first * layout.state_size());
    for (size_t i = 0; i < packed.size(); ++i) {
      if (of_run != nullptr && i > 0) {
        kernels_->keep(count * layout.state_size(), state, layout.state(of_run, count, i));
      }
      float* const next = i + 1 == packed.size() ? out.mutable_data_ptr<float>() + first * layout.state_size()
                                                 : scratch + scratch_size + static_cast<int64_t>(i % 2) * group_size;
      packed[i]->forward(run_of(call, i, first, count, state), layout.own(of_run, count, i), scratch, next);
      state = next;
    }
  });
  return out;
}

std::vector<at::Tensor> FusedBlock::backward(const Call& call, const at::Tensor& kept, const at::Tensor& gradient,
                                             const at::Tensor& of_state) const {
  const PackedSublayers packed = pack_all(sublayers_, *kernels_);
  const Layout layout(packed, call.state);
  const int64_t curves = call.state.size(0), group_size = group_curves * layout.state_size();
  const int64_t scratch_size = scratch_of(packed, call.state.size(1), true), part_curves = curves_of_part(curves);
  std::vector<GradientParts> parts;
  for (const auto& sublayer : packed) {
    parts.emplace_back((curves + part_curves - 1) / part_curves, sublayer->gradients());
  }
  for_each_group(curves, scratch_size + 2 * group_size,
                 [&](int64_t first, int64_t count, int64_t part, float* scratch) {
                   float* const of_run = kept.mutable_data_ptr<float>() + first * layout.curve_size();
                   const float* of_out = pointer_of(gradient, first * layout.state_size());
                   for (size_t i = packed.size(); i-- > 0;) {
                     const float* const state =
                         i == 0 ? pointer_of(call.state, first * layout.state_size()) : layout.state(of_run, count, i);
                     float* const of_in = i == 0 ? of_state.mutable_data_ptr<float>() + first * layout.state_size()
                                                 : scratch + scratch_size + static_cast<int64_t>(i % 2) * group_size;
                     GradientCursor cursor = parts[i].part(part);
                     packed[i]->backward(run_of(call, i, first, count, state), layout.own(of_run, count, i), of_out,
                                         cursor, scratch, of_in);
                     of_out = of_in;
                   }
                 });
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
    at::Tensor kept;
    at::Tensor out = record->block->forward(call, &kept);
    context->save_for_backward({state, call.observed, call.key_scores, kept});
    call.state = call.observed = call.key_scores = at::Tensor();
    context->saved_data["record"] = at::IValue::make_capsule(record);
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const std::vector<at::Tensor> saved = context->get_saved_variables();
    const auto record = c10::static_intrusive_pointer_cast<CallRecord>(context->saved_data["record"].toCapsule());
    FusedBlock::Call call = record->call;
    call.state = saved[0];
    call.observed = saved[1];
    call.key_scores = saved[2];
    at::Tensor of_state = at::empty_like(call.state);
    variable_list of_inputs = record->block->backward(call, saved[3], gradients[0].contiguous(), of_state);
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
