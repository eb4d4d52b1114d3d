#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/model/model.hpp"
#include "causalfm/model/observer.hpp"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace causalfm::training {

/// What one sublayer put out for some rows of a batch.
struct SurveyedOutput {
  std::string name;                                           ///< as Observer::observe has it
  double minimum = std::numeric_limits<double>::quiet_NaN();  ///< of what is finite; nan if nothing is
  double maximum = std::numeric_limits<double>::quiet_NaN();
  int64_t values = 0;
  int64_t non_finite = 0;
  int64_t first_row = -1;  ///< of the global batch, that is not finite; -1 if all are
};

/// Keeps of every output of a model its extremes and the first row that is not finite, over one or more calls.
class OutputSurvey final : public model::Observer {
 public:
  /// A call of the model begins, whose rows are those of the global batch from `first_row` on.
  void begin(int64_t first_row);
  void observe(const std::string& name, const at::Tensor& output) override;

  const std::vector<SurveyedOutput>& outputs() const { return outputs_; }  ///< in the order of computation

 private:
  std::vector<SurveyedOutput> outputs_;
  int64_t first_row_ = 0;
  std::size_t position_ = 0;  ///< in outputs_ of what comes next
};

/// Repeats the forward pass of this rank's rows as the step had it, with the same dropout, without graph. Local.
OutputSurvey survey_outputs(const config::Config& settings, const model::CausalModel& model,
                            const data::LoadedStep& loaded, c10::Device device);

}  // namespace causalfm::training
