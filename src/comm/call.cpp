#include "call.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>

namespace causalfm::comm {
namespace {

std::string element_name(const std::string& collective, at::ScalarType type, bool reduces) {
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
    case at::kBFloat16:
      // A sum that is rounded at every hop would depend on the backend.
      if (!reduces) return "bfloat16";
      [[fallthrough]];
    default:
      throw std::invalid_argument(collective + ": no backend exchanges elements of type " + at::toString(type) +
                                  "; use float32, float64, int64, int32, uint8 or bool");
  }
}

std::string checked_element(Collective collective, const at::Tensor& tensor) {
  const std::string name = to_string(collective);
  if (!tensor.defined()) throw std::invalid_argument(name + ": the tensor is undefined");
  if (!tensor.is_contiguous()) {
    throw std::invalid_argument(name + ": the tensor is not contiguous; pass tensor.contiguous()");
  }
  const bool reduces = collective == Collective::all_reduce || collective == Collective::reduce_scatter;
  return element_name(name, tensor.scalar_type(), reduces);
}

std::string checked_element(Collective collective, const at::Tensor& one, const at::Tensor& other) {
  const std::string element = checked_element(collective, one);
  if (checked_element(collective, other) != element || one.device() != other.device()) {
    throw std::invalid_argument(std::string(to_string(collective)) +
                                ": both tensors must have one dtype and one device");
  }
  return element;
}

Call call_of(Collective collective, const std::string& details, const at::Tensor& whole, std::string_view purpose) {
  std::string words = to_string(collective) + details;
  if (!purpose.empty()) words.append(" for ").append(purpose);
  return {collective, std::move(words), static_cast<int64_t>(whole.nbytes())};
}

/// "3+2+2"; of more ranks than a person reads, runs of equal counts: "510x12+2x11".
std::string rows_in_words(at::IntArrayRef rows_of_rank) {
  const bool runs = rows_of_rank.size() > 8;
  std::string words;
  for (size_t rank = 0; rank < rows_of_rank.size();) {
    size_t end = rank + 1;
    while (runs && end < rows_of_rank.size() && rows_of_rank[end] == rows_of_rank[rank]) ++end;
    if (!words.empty()) words += '+';
    if (runs) words += std::to_string(end - rank) + "x";
    words += std::to_string(rows_of_rank[rank]);
    rank = end;
  }
  return words;
}

/// `whole` holds all ranks' rows, `part` this rank's.
Call row_call(Collective collective, const at::Tensor& whole, const at::Tensor& part, at::IntArrayRef rows_of_rank,
              int64_t rank, int64_t world_size, std::string_view purpose) {
  const std::string element = checked_element(collective, whole, part);
  const std::string name = to_string(collective);
  if (static_cast<int64_t>(rows_of_rank.size()) != world_size) {
    throw std::invalid_argument(name + ": " + std::to_string(rows_of_rank.size()) + " counts of rows for " +
                                std::to_string(world_size) + " ranks");
  }
  if (whole.dim() == 0 || part.dim() == 0 || whole.sizes().slice(1) != part.sizes().slice(1)) {
    throw std::invalid_argument(name + ": the tensors' rows differ in shape");
  }
  if (std::ranges::any_of(rows_of_rank, [](int64_t count) { return count < 0; })) {
    throw std::invalid_argument(name + ": a negative count of rows");
  }
  const int64_t sum = std::accumulate(rows_of_rank.begin(), rows_of_rank.end(), int64_t{0});
  const std::string rows = rows_in_words(rows_of_rank);
  if (whole.size(0) != sum || part.size(0) != rows_of_rank[rank]) {
    throw std::invalid_argument(name + " on rank " + std::to_string(rank) + ": tensors of " +
                                std::to_string(whole.size(0)) + " and " + std::to_string(part.size(0)) +
                                " rows do not fit rows_of_rank = " + rows);
  }
  const int64_t row_elements = c10::multiply_integers(whole.sizes().slice(1));
  return call_of(collective, " of " + rows + " rows of " + std::to_string(row_elements) + " " + element, whole,
                 purpose);
}

}  // namespace

const char* to_string(Collective collective) {
  constexpr std::array names{"all_reduce", "all_gather", "reduce_scatter", "all_to_all", "broadcast", "barrier"};
  static_assert(names.size() == collectives);
  return names[static_cast<size_t>(collective)];
}

Traffic Traffic::since(const Traffic& before) const {
  Traffic added = *this;
  for (size_t kind = 0; kind < volumes.size(); ++kind) {
    added.volumes[kind].calls -= before.volumes[kind].calls;
    added.volumes[kind].bytes -= before.volumes[kind].bytes;
  }
  added.exposed_seconds -= before.exposed_seconds;
  return added;
}

std::string Call::place(int64_t rank, int64_t world_size) const {
  return words + " (collective " + std::to_string(number) + ") on rank " + std::to_string(rank) + " of " +
         std::to_string(world_size);
}

Call all_reduce_call(const at::Tensor& tensor, Reduction reduction, std::string_view purpose) {
  const std::string element = checked_element(Collective::all_reduce, tensor);
  const char* name = reduction == Reduction::sum ? "sum" : reduction == Reduction::maximum ? "maximum" : "minimum";
  return call_of(Collective::all_reduce,
                 std::string(" (") + name + ") of " + std::to_string(tensor.numel()) + " " + element, tensor, purpose);
}

Call all_gather_call(const at::Tensor& slice, const at::Tensor& gathered, at::IntArrayRef rows_of_rank, int64_t rank,
                     int64_t world_size, std::string_view purpose) {
  return row_call(Collective::all_gather, gathered, slice, rows_of_rank, rank, world_size, purpose);
}

Call reduce_scatter_call(const at::Tensor& tensor, const at::Tensor& slice, at::IntArrayRef rows_of_rank, int64_t rank,
                         int64_t world_size, std::string_view purpose) {
  return row_call(Collective::reduce_scatter, tensor, slice, rows_of_rank, rank, world_size, purpose);
}

Call all_to_all_call(const at::Tensor& sent, const at::Tensor& received, int64_t world_size, std::string_view purpose) {
  const std::string element = checked_element(Collective::all_to_all, sent, received);
  if (sent.dim() == 0 || sent.sizes() != received.sizes() || sent.size(0) != world_size) {
    throw std::invalid_argument("all_to_all: both tensors must have one row for each of " + std::to_string(world_size) +
                                " ranks, of one shape");
  }
  return call_of(Collective::all_to_all,
                 " of " + std::to_string(c10::multiply_integers(sent.sizes().slice(1))) + " " + element + " a rank",
                 sent, purpose);
}

Call broadcast_call(const at::Tensor& tensor, int64_t root, int64_t world_size, std::string_view purpose) {
  const std::string element = checked_element(Collective::broadcast, tensor);
  if (root < 0 || root >= world_size) {
    throw std::invalid_argument("broadcast: there is no rank " + std::to_string(root) + " among " +
                                std::to_string(world_size));
  }
  return call_of(Collective::broadcast,
                 " from rank " + std::to_string(root) + " of " + std::to_string(tensor.numel()) + " " + element, tensor,
                 purpose);
}

}  // namespace causalfm::comm
