#include "comm/nccl_ranks.hpp"

#include "causalfm/comm/backends.hpp"
#include "causalfm/comm/error.hpp"

#include "comm/nccl.hpp"
#include "comm/nccl_double/journal.hpp"

namespace causalfm::comm {

void NcclTest::SetUp() {
  nccl_double::clear_journal();
  nccl_double::clear_copies();
  nccl_double::set_delays(testing::UnitTest::GetInstance()->random_seed() + 1, std::chrono::microseconds(300));
}

void NcclTest::TearDown() {
  nccl_double::end_nccl();
  nccl_double::end_device();
  for (const std::string& violation : nccl_double::violations()) ADD_FAILURE() << violation;
}

void NcclTest::run(int64_t world_size, const Options& options, const std::function<Faults(int64_t rank)>& faults,
                   const Body& body) {
  run_ranks_as_threads(world_size, options, [&](Communicator& control) {
    Computation computation;
    nccl_double::set_faults(faults(control.rank()));
    const auto ranks = make_nccl(nccl_double::nccl_api(), nccl_double::device_api(), control, 0, options);
    body(*ranks, computation);
  });
}

void NcclTest::run(int64_t world_size, const Body& body) {
  run(
      world_size, patient(), [](int64_t) { return Faults{}; }, body);
}

Options patient() { return {std::chrono::seconds(10)}; }

std::optional<std::string> failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const CommunicationError& error) {
    return error.what();
  }
  return std::nullopt;
}

}  // namespace causalfm::comm
