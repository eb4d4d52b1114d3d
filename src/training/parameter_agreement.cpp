#include "causalfm/training/parameter_agreement.hpp"

#include "causalfm/comm/error.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace causalfm::training {

namespace {

/// Elements mixed at once: bounds memory.
constexpr int64_t chunk_elements = int64_t{1} << 20;

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014), element by element, modulo 2^64: a bijection that spreads
/// every bit. Its shifts are logical there and arithmetic here, which is a bijection as well.
void mix(at::Tensor& words) {
  const auto multiplier = [](uint64_t constant) { return static_cast<int64_t>(constant); };
  words.bitwise_xor_(words.bitwise_right_shift(30)).mul_(multiplier(0xbf58476d1ce4e5b9ULL));
  words.bitwise_xor_(words.bitwise_right_shift(27)).mul_(multiplier(0x94d049bb133111ebULL));
  words.bitwise_xor_(words.bitwise_right_shift(31));
}

/// The sum over elements, modulo 2^64, of the mixed (bits + mixed position).
at::Tensor checksum(const at::Tensor& parameter) {
  const at::Tensor values = parameter.detach().view(-1);
  const at::Tensor bits = values.view(values.element_size() == 8 ? at::kLong : at::kInt);
  const at::TensorOptions words_options = values.options().dtype(at::kLong);
  at::Tensor sum = at::zeros({}, words_options);
  for (int64_t first = 0; first < bits.numel(); first += chunk_elements) {
    const int64_t count = std::min(chunk_elements, bits.numel() - first);
    at::Tensor words = at::arange(first, first + count, words_options);
    mix(words);
    words.add_(bits.narrow(0, first, count));
    mix(words);
    sum.add_(words.sum());
  }
  return sum;
}

/// The lowest rank of those whose checksums most ranks share. `checksums` [ranks, parameters] on the host.
int64_t rank_of_majority(const at::Tensor& checksums) {
  int64_t found = 0;
  int64_t most = 0;
  for (int64_t rank = 0; rank < checksums.size(0); ++rank) {
    const auto alike = checksums.eq(checksums[rank]).all(1).sum().item<int64_t>();
    if (alike > most) {
      most = alike;
      found = rank;
    }
  }
  return found;
}

std::string ranks_text(const std::vector<int64_t>& ranks) {
  constexpr size_t most_named = 16;
  const size_t named = std::min(ranks.size(), most_named);
  return fmt::format("{} {}{}", ranks.size() == 1 ? "rank" : "ranks",
                     fmt::join(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(named), ", "),
                     ranks.size() > named ? fmt::format(" and {} more", ranks.size() - named) : "");
}

}  // namespace

at::Tensor parameter_checksums(const model::Parameters& parameters) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> checksums;
  for (const auto& entry : parameters.entries()) checksums.push_back(checksum(entry.value));
  return at::stack(checksums);
}

void require_same_parameters(const model::Parameters& parameters, comm::Communicator& communicator,
                             const std::string& place) {
  const at::NoGradGuard no_grad;
  const at::Tensor own = parameter_checksums(parameters).unsqueeze(0);
  const int64_t ranks = communicator.world_size();
  const at::Tensor gathered = at::empty({ranks, own.size(1)}, own.options());
  communicator.all_gather(own, gathered, std::vector<int64_t>(ranks, 1), "checksums of parameters").wait();
  const at::Tensor checksums = gathered.to(at::kCPU);
  const at::Tensor expected = checksums[rank_of_majority(checksums)];
  const at::Tensor differs = checksums.ne(expected);  // [ranks, parameters]
  if (!differs.any().item<bool>()) return;

  const auto indices = [](const at::Tensor& flags) {
    const at::Tensor found = flags.nonzero().view(-1).contiguous();
    return std::vector<int64_t>(found.const_data_ptr<int64_t>(), found.const_data_ptr<int64_t>() + found.numel());
  };
  const std::vector<int64_t> differing = indices(differs.any(0));
  throw comm::CommunicationError(fmt::format(
      "{}: the parameters of {} are not those of the other ranks, {} of {} parameters differ, {} the first: a memory "
      "or "
      "a network has changed bits; resume from the last checkpoint, without the nodes of these ranks if it comes again",
      place, ranks_text(indices(differs.any(1))), differing.size(), parameters.entries().size(),
      parameters.entries()[differing.front()].name));
}

}  // namespace causalfm::training
