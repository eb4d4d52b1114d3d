#pragma once

namespace causalfm::app {

/// What LibTorch's GPU libraries may do to numbers, for the whole process. cuDNN would round the factors of float32
/// convolutions and LSTMs to 11 bits (TF32); here float32 means float32. If `deterministic`, equal inputs give equal
/// bits, and an operation that cannot throws. Before the first use of a GPU. Nothing on the CPU changes.
void set_gpu_arithmetic(bool deterministic);

}  // namespace causalfm::app
