#include "causalfm/model/error.hpp"
#include "model/dropout_cuda.hpp"

namespace causalfm::model {

void dropout_on_cuda(const at::Tensor&, const at::Tensor&, const DropoutMask&) {
  throw ModelError("dropout on a CUDA device: this build knows no CUDA; build it with launch/build.sh --cuda");
}

}  // namespace causalfm::model
