#include "training/profiled_steps.hpp"

#include "causalfm/storage/atomic_file.hpp"
#include "training/gather_rows.hpp"
#include "training/profile_report.hpp"

#include <ATen/ATen.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace causalfm::training {

namespace {

constexpr int64_t warm_up_steps = 3;

/// Every rank's text, on every rank. Collective.
std::vector<std::string> gather(const std::string& text, comm::Communicator& communicator) {
  const auto size = static_cast<int64_t>(text.size());
  const at::Tensor own_size = at::full({1}, size, at::kLong);
  const at::Tensor sizes = gather_rows(own_size, std::vector<int64_t>(communicator.world_size(), 1), communicator);
  const std::vector<int64_t> size_of_rank(sizes.const_data_ptr<int64_t>(),
                                          sizes.const_data_ptr<int64_t>() + sizes.numel());
  at::Tensor bytes = at::empty({size}, at::kByte);
  std::copy(text.begin(), text.end(), bytes.mutable_data_ptr<uint8_t>());
  const at::Tensor all = gather_rows(bytes, size_of_rank, communicator);
  std::vector<std::string> texts;
  const auto* begin = all.const_data_ptr<uint8_t>();
  for (const int64_t length : size_of_rank) {
    texts.emplace_back(begin, begin + length);
    begin += length;
  }
  return texts;
}

}  // namespace

ProfiledSteps::ProfiledSteps(int64_t steps, const Host& host, std::filesystem::path folder)
    : steps_(steps), host_(host), folder_(std::move(folder)) {}

Profile* ProfiledSteps::begin_step() {
  if (steps_ == 0) return nullptr;
  ++begun_;
  if (begun_ == warm_up_steps + 1) {
    host_.communicator.barrier();
    profile_.emplace(host_.communicator, host_.device);
  }
  if (begun_ > warm_up_steps + steps_) finish();
  return profile_ ? &*profile_ : nullptr;
}

void ProfiledSteps::finish() {
  if (!profile_) return;
  std::vector<std::vector<Span>> ranks;
  for (const std::string& text : gather(to_text(profile_->spans()), host_.communicator)) {
    ranks.push_back(to_spans(text));
  }
  profile_.reset();
  steps_ = 0;
  if (host_.communicator.rank() != 0) return;
  storage::replace_file(host_.file_system, folder_ / "profile.md", profile_tables(ranks));
  storage::replace_file(host_.file_system, folder_ / "profile.json", trace_events(ranks));
  host_.log.info("profile: {}; {} opens in ui.perfetto.dev", (folder_ / "profile.md").string(),
                 (folder_ / "profile.json").string());
}

}  // namespace causalfm::training
