// In the place of the .cu files, in a build without CUDA.
#include "causalfm/model/error.hpp"
#include "model/depthwise_convolution_cuda.hpp"
#include "model/dropout_cuda.hpp"
#include "model/layer_norm_cuda.hpp"

#include <string>

namespace causalfm::model {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw ModelError(what + " on a CUDA device: this build knows no CUDA; build it with launch/build.sh --cuda");
}

}  // namespace

void dropout_on_cuda(const at::Tensor&, const at::Tensor&, const DropoutMask&) { refuse("dropout"); }

int64_t norm_parts_on_cuda(int64_t) { refuse("a norm"); }

void layer_norm_on_cuda(const at::Tensor&, const at::Tensor&, const at::Tensor&, double, const at::Tensor&) {
  refuse("a norm");
}

void layer_norm_backward_on_cuda(const at::Tensor&, const at::Tensor&, double, const at::Tensor&, const at::Tensor&,
                                 const at::Tensor&) {
  refuse("a norm");
}

bool convolves_on_cuda(int64_t, at::ScalarType) { return false; }

void convolve_on_cuda(const at::Tensor&, const at::Tensor&, const at::Tensor&, bool, const at::Tensor&) {
  refuse("a convolution");
}

int64_t convolution_parts_on_cuda(int64_t) { refuse("a convolution"); }

void convolution_backward_on_cuda(const at::Tensor&, const at::Tensor&, const at::Tensor&) { refuse("a convolution"); }

}  // namespace causalfm::model
