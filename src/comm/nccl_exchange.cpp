#include "nccl_exchange.hpp"

#include <cstring>
#include <utility>

namespace causalfm::comm {
namespace {

std::byte* bytes_of(const at::Tensor& tensor) { return static_cast<std::byte*>(tensor.data_ptr()); }

/// Results on the device, for what is put on the computation's stream after wait().
class DeviceOperation final : public Pending::Operation {
 public:
  DeviceOperation(const NcclRank& rank, std::shared_ptr<DeviceEvent> done)
      : connection_(rank.connection), exposure_(rank.exposure), done_(std::move(done)) {}

  void wait() override {
    connection_->check();
    exposure_->hold_up(*done_);
  }

 private:
  std::shared_ptr<NcclConnection> connection_;
  std::shared_ptr<DeviceExposure> exposure_;
  std::shared_ptr<DeviceEvent> done_;
};

/// Results in the host's memory, for the host. The event is asked rather than waited for, so that a failure ends it.
class HostOperation final : public Pending::Operation {
 public:
  struct Result {
    at::Tensor host;
    at::Tensor pinned;
  };

  HostOperation(const NcclRank& rank, std::shared_ptr<DeviceEvent> done, std::vector<Result> results)
      : connection_(rank.connection), done_(std::move(done)), results_(std::move(results)) {}

  void wait() override {
    const auto since = std::chrono::steady_clock::now();
    while (!done_->has_passed()) {
      connection_->check();
      pause_in_wait(since);
    }
    connection_->check();  // an abort lets events pass as well
    for (const Result& result : results_)
      std::memcpy(bytes_of(result.host), bytes_of(result.pinned), result.host.nbytes());
  }

 private:
  std::shared_ptr<NcclConnection> connection_;
  std::shared_ptr<DeviceEvent> done_;
  std::vector<Result> results_;
};

}  // namespace

NcclExchange::NcclExchange(NcclRank& rank, const Call& call, std::string place)
    : rank_(rank), wait_{std::move(place), call} {
  rank_.connection->check();
}

NcclExchange::~NcclExchange() {
  if (!begun_) return;
  try {
    depart();
  } catch (...) {
    // Nothing tells when the stream is done with the memory: it must not be used for anything else.
    new std::vector<at::Tensor>(std::move(memory_));
  }
}

const std::byte* NcclExchange::input(const at::Tensor& tensor) {
  if (!needs_detour(tensor)) return keep(tensor);
  inbound_.push_back(detour(tensor));
  return bytes_of(inbound_.back().device);
}

std::byte* NcclExchange::output(const at::Tensor& tensor) {
  if (!needs_detour(tensor)) return keep(tensor);
  outbound_.push_back(detour(tensor));
  return bytes_of(outbound_.back().device);
}

std::byte* NcclExchange::input_output(const at::Tensor& tensor) {
  if (!needs_detour(tensor)) return keep(tensor);
  inbound_.push_back(detour(tensor));
  outbound_.push_back(inbound_.back());
  return bytes_of(inbound_.back().device);
}

std::byte* NcclExchange::scratch(int64_t bytes) { return keep(rank_.api.allocate(bytes, rank_.device)); }

void NcclExchange::begin() {
  // After all memory has been allocated: what it was used for before is on the computation's stream.
  DeviceEvent ready(rank_.api, rank_.device);
  ready.record(rank_.api.current_stream(rank_.device));
  ready.hold_up(stream());
  begun_ = true;
  for (const Detour& tensor : inbound_) {
    std::memcpy(bytes_of(tensor.pinned), bytes_of(tensor.host), tensor.host.nbytes());
    copy(bytes_of(tensor.device), bytes_of(tensor.pinned), static_cast<int64_t>(tensor.host.nbytes()));
  }
}

void NcclExchange::copy(std::byte* to, const std::byte* from, int64_t bytes) {
  if (bytes > 0) rank_.api.copy(to, from, static_cast<size_t>(bytes), stream());
}

void NcclExchange::issue(const NcclConnection::Enqueue& enqueue) { rank_.connection->issue(wait_, enqueue); }

std::unique_ptr<Pending::Operation> NcclExchange::end(Wait wait) {
  std::vector<HostOperation::Result> results;
  for (const Detour& tensor : outbound_) {
    copy(bytes_of(tensor.pinned), bytes_of(tensor.device), static_cast<int64_t>(tensor.host.nbytes()));
    results.push_back({tensor.host, tensor.pinned});
  }
  std::shared_ptr<DeviceEvent> done = depart();
  if (wait == Wait::device && results.empty()) return std::make_unique<DeviceOperation>(rank_, std::move(done));
  return std::make_unique<HostOperation>(rank_, std::move(done), std::move(results));
}

bool NcclExchange::needs_detour(const at::Tensor& tensor) const {
  return tensor.numel() > 0 && !rank_.api.on_device(tensor);
}

std::byte* NcclExchange::keep(const at::Tensor& tensor) {
  memory_.push_back(tensor);
  return bytes_of(tensor);
}

NcclExchange::Detour NcclExchange::detour(const at::Tensor& tensor) {
  const auto bytes = static_cast<int64_t>(tensor.nbytes());
  Detour detour{tensor, rank_.api.allocate_pinned(bytes), rank_.api.allocate(bytes, rank_.device)};
  keep(detour.pinned);
  keep(detour.device);
  return detour;
}

/// The stream has got all of it: the memory is the watch's from here on.
std::shared_ptr<DeviceEvent> NcclExchange::depart() {
  auto done = std::make_shared<DeviceEvent>(rank_.api, rank_.device);
  done->record(stream());
  rank_.watch.add({wait_, done, std::move(memory_)});
  begun_ = false;
  return done;
}

}  // namespace causalfm::comm
