#include "comm/agreement.hpp"

#include <algorithm>

namespace causalfm::comm {
namespace {

/// The code of a CommunicationError, which a rank often throws because another has failed.
constexpr int communication_exit_code = 4;

}  // namespace

void Agreement::report(int64_t rank, const Failure& failure, bool echo) {
  const Kind kind = echo ? Kind::echo : failure.exit_code == communication_exit_code ? Kind::deadline : Kind::own;
  failures_.emplace(rank, Known{failure, kind});
}

void Agreement::lost(const Failure& failure) { failures_.emplace(failure.rank, Known{failure, Kind::lost}); }

bool Agreement::has_reported(int64_t rank) const {
  const auto found = failures_.find(rank);
  return found != failures_.end() && found->second.kind != Kind::lost;
}

std::map<int64_t, Agreement::Known>::const_iterator Agreement::first() const {
  return std::min_element(failures_.begin(), failures_.end(),
                          [](const auto& one, const auto& other) { return one.second.kind < other.second.kind; });
}

const Failure& Agreement::cause() const { return first()->second.failure; }

Verdict Agreement::verdict() const {
  const auto& [rank, known] = *first();
  Verdict verdict{known.failure.exit_code, known.failure.sentence};
  const auto reported =
      std::ranges::count_if(failures_, [](const auto& each) { return each.second.kind != Kind::lost; });
  verdict.everyone = reported == world_size_;
  const bool shared =
      verdict.everyone && std::ranges::all_of(failures_, [&](const auto& each) {
        return each.second.kind == known.kind && each.second.failure.exit_code == known.failure.exit_code;
      });
  if (!shared && known.kind != Kind::lost) {
    verdict.sentence = "rank " + std::to_string(rank) + ": " + verdict.sentence;
  }
  return verdict;
}

}  // namespace causalfm::comm
