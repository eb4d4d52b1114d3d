#pragma once

#include <ATen/core/Tensor.h>

namespace causalfm::model {

/// Which steps of a batch were observed, in the forms that the layers need; computed once for all of them.
/// An empty one (default) means that all were.
class SequenceMask {
 public:
  SequenceMask() = default;

  /// @param observed [batch, time] bool
  SequenceMask(const at::Tensor& observed, at::ScalarType dtype);

  /// `input` [batch, time, ...] with zeros at masked steps. Multiplies: `input` must be finite there.
  at::Tensor zero_masked(const at::Tensor& input) const;

  /// The mean over observed steps of `input` [batch, time, width]: [batch, width]; zero for a curve without any.
  at::Tensor mean(const at::Tensor& input) const;

  /// [batch, time, 1], 1 where observed and 0 elsewhere; undefined when all is.
  const at::Tensor& observed() const { return steps_; }

  /// What attention adds to its scores, [batch, 1, 1, time]: 0 at keys to see, -inf at the others; undefined when all
  /// are seen. A curve without observed steps sees all of its keys, lest its softmax be 0 / 0.
  const at::Tensor& key_scores() const { return key_scores_; }

 private:
  at::Tensor steps_;         ///< [batch, time, 1], 1 where observed
  at::Tensor mean_weights_;  ///< [batch, 1, time], 1 / observed steps where observed
  at::Tensor key_scores_;
};

}  // namespace causalfm::model
