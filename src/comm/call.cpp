#include "call.hpp"

#include <stdexcept>

namespace causalfm::comm {
namespace {

std::string element_name(const std::string& collective, at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kLong:
      return "int64";
    case at::kInt:
      return "int32";
    case at::kByte:
      return "uint8";
    case at::kBool:
      return "bool";
    default:
      throw std::invalid_argument(collective + ": no backend exchanges elements of type " + at::toString(type) +
                                  "; use float32, float64, int64, int32, uint8 or bool");
  }
}

std::string checked_element(const std::string& collective, const at::Tensor& tensor) {
  if (!tensor.defined()) throw std::invalid_argument(collective + ": the tensor is undefined");
  if (!tensor.is_contiguous()) {
    throw std::invalid_argument(collective + ": the tensor is not contiguous; pass tensor.contiguous()");
  }
  return element_name(collective, tensor.scalar_type());
}

/// `whole` holds all ranks' rows, `part` this rank's.
std::string row_call(const std::string& collective, const at::Tensor& whole, const at::Tensor& part,
                     at::IntArrayRef rows_of_rank, int64_t rank, int64_t world_size) {
  const std::string element = checked_element(collective, whole);
  if (checked_element(collective, part) != element || whole.device() != part.device()) {
    throw std::invalid_argument(collective + ": both tensors must have one dtype and one device");
  }
  if (static_cast<int64_t>(rows_of_rank.size()) != world_size) {
    throw std::invalid_argument(collective + ": " + std::to_string(rows_of_rank.size()) + " counts of rows for " +
                                std::to_string(world_size) + " ranks");
  }
  if (whole.dim() == 0 || part.dim() == 0 || whole.sizes().slice(1) != part.sizes().slice(1)) {
    throw std::invalid_argument(collective + ": the tensors' rows differ in shape");
  }
  int64_t sum = 0;
  std::string rows;
  for (const int64_t count : rows_of_rank) {
    if (count < 0) throw std::invalid_argument(collective + ": a negative count of rows");
    sum += count;
    if (!rows.empty()) rows += '+';
    rows += std::to_string(count);
  }
  if (whole.size(0) != sum || part.size(0) != rows_of_rank[rank]) {
    throw std::invalid_argument(collective + " on rank " + std::to_string(rank) + ": tensors of " +
                                std::to_string(whole.size(0)) + " and " + std::to_string(part.size(0)) +
                                " rows do not fit rows_of_rank = " + rows);
  }
  const int64_t row_elements = c10::multiply_integers(whole.sizes().slice(1));
  return collective + " of " + rows + " rows of " + std::to_string(row_elements) + " " + element;
}

}  // namespace

std::string all_reduce_call(const at::Tensor& tensor, Reduction reduction) {
  const std::string element = checked_element("all_reduce", tensor);
  const char* name = reduction == Reduction::sum ? "sum" : reduction == Reduction::maximum ? "maximum" : "minimum";
  return std::string("all_reduce (") + name + ") of " + std::to_string(tensor.numel()) + " " + element;
}

std::string all_gather_call(const at::Tensor& slice, const at::Tensor& gathered, at::IntArrayRef rows_of_rank,
                            int64_t rank, int64_t world_size) {
  return row_call("all_gather", gathered, slice, rows_of_rank, rank, world_size);
}

std::string reduce_scatter_call(const at::Tensor& tensor, const at::Tensor& slice, at::IntArrayRef rows_of_rank,
                                int64_t rank, int64_t world_size) {
  return row_call("reduce_scatter", tensor, slice, rows_of_rank, rank, world_size);
}

std::string broadcast_call(const at::Tensor& tensor, int64_t root, int64_t world_size) {
  const std::string element = checked_element("broadcast", tensor);
  if (root < 0 || root >= world_size) {
    throw std::invalid_argument("broadcast: there is no rank " + std::to_string(root) + " among " +
                                std::to_string(world_size));
  }
  return "broadcast from rank " + std::to_string(root) + " of " + std::to_string(tensor.numel()) + " " + element;
}

}  // namespace causalfm::comm
