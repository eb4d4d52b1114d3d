#include "causalfm/data/loader.hpp"

#include "causalfm/data/slices.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace causalfm::data {
namespace {

/// values[row] for each of `rows`.
template <typename Stored, typename Value>
at::Tensor gather(const std::vector<Value>& values, std::span<const int64_t> rows) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(rows.size())}, c10::CppTypeToScalarType<Stored>::value);
  std::transform(rows.begin(), rows.end(), tensor.data_ptr<Stored>(),
                 [&](int64_t row) { return static_cast<Stored>(values[row]); });
  return tensor;
}

at::Tensor to_tensor(std::span<const Role> roles) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(roles.size())}, at::kByte);
  std::transform(roles.begin(), roles.end(), tensor.data_ptr<uint8_t>(),
                 [](Role role) { return static_cast<uint8_t>(role); });
  return tensor;
}

void read_curves(const Source& source, std::span<const int64_t> rows, Batch& batch) {
  const auto count = static_cast<int64_t>(rows.size());
  const int64_t length = source.length();
  const auto samples = static_cast<size_t>(count * length);
  CurveBuffers buffers;
  batch.flux = at::empty({count, length}, at::kFloat);
  buffers.flux = {batch.flux.data_ptr<float>(), samples};
  if (source.has_shared_time()) {
    batch.time = at::empty({length}, at::kFloat);
    const std::vector<float>& grid = source.description().shared_time;
    std::copy(grid.begin(), grid.end(), batch.time.data_ptr<float>());
  } else {
    batch.time = at::empty({count, length}, at::kFloat);
    buffers.time = {batch.time.data_ptr<float>(), samples};
  }
  if (source.has_mask()) {
    static_assert(sizeof(bool) == sizeof(uint8_t));
    batch.mask = at::empty({count, length}, at::kBool);
    buffers.mask = {reinterpret_cast<uint8_t*>(batch.mask.data_ptr<bool>()), samples};
  }
  source.read(rows, buffers);
}

GlobalIds global_ids(const ObservationTable& table, const GlobalBatch& global) {
  GlobalIds ids;
  ids.star_id = gather<int64_t>(table.star_id, global.rows);
  ids.instrument_id = gather<int64_t>(table.instrument_id, global.rows);
  ids.observation_id = gather<int64_t>(table.observation_id, global.rows);
  if (!table.group_id.empty()) {
    ids.group_id = gather<int64_t>(table.group_id, global.rows);
  }
  ids.role = to_tensor(global.roles);
  return ids;
}

}  // namespace

LoadedStep load(const Source& source, const GlobalBatch& global, int64_t rows_per_anchor, int64_t rank,
                int64_t world_size, int64_t step) {
  LoadedStep loaded;
  loaded.step = step;
  loaded.rows_of_rank =
      rows_of_rank(static_cast<int64_t>(global.rows.size()) / rows_per_anchor, rows_per_anchor, world_size);
  const int64_t first = std::accumulate(loaded.rows_of_rank.begin(), loaded.rows_of_rank.begin() + rank, int64_t{0});
  const int64_t count = loaded.rows_of_rank[static_cast<size_t>(rank)];
  const std::span rows = std::span(global.rows).subspan(static_cast<size_t>(first), static_cast<size_t>(count));
  const ObservationTable& table = source.observations();

  loaded.global = global_ids(table, global);
  Batch& batch = loaded.batch;
  batch.first_row = first;
  batch.global_rows = static_cast<int64_t>(global.rows.size());
  batch.star_id = gather<int64_t>(table.star_id, rows);
  batch.instrument_id = gather<int32_t>(table.instrument_id, rows);
  batch.observation_id = gather<int64_t>(table.observation_id, rows);
  if (!table.group_id.empty()) {
    batch.group_id = gather<int64_t>(table.group_id, rows);
  }
  batch.role = to_tensor(std::span(global.roles).subspan(static_cast<size_t>(first), static_cast<size_t>(count)));
  read_curves(source, rows, batch);
  return loaded;
}

/// The thread, and the queue that it fills until `prefetch` steps wait.
class Loader::Producer {
 public:
  Producer(std::shared_ptr<const Source> source, std::shared_ptr<const Sampler> sampler, const LoaderOptions& options)
      : source_(std::move(source)), sampler_(std::move(sampler)), options_(options), next_step_(options.first_step) {
    thread_ = std::thread([this] { run(); });
  }

  ~Producer() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    thread_.join();
  }

  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  LoadedStep next() {
    if (options_.end_step && next_step_ >= *options_.end_step) {
      throw std::out_of_range("the loader was asked for step " + std::to_string(next_step_) +
                              ", its last one was prepared: ask for steps below " + std::to_string(*options_.end_step));
    }
    std::unique_lock lock(mutex_);
    const auto begin = std::chrono::steady_clock::now();
    ready_.wait(lock, [this] { return !queue_.empty() || failure_; });
    waited_ += std::chrono::steady_clock::now() - begin;
    if (queue_.empty()) {
      std::rethrow_exception(failure_);
    }
    LoadedStep loaded = std::move(queue_.front());
    queue_.pop_front();
    ++next_step_;
    lock.unlock();
    room_.notify_one();
    return loaded;
  }

  double waited_seconds() const {
    const std::lock_guard lock(mutex_);
    return waited_.count();
  }

 private:
  void run() {
    try {
      for (int64_t step = options_.first_step; !options_.end_step || step < *options_.end_step; ++step) {
        if (!wait_for_room()) {
          return;
        }
        LoadedStep loaded = load(*source_, sampler_->batch(step), sampler_->rows_per_anchor(), options_.rank,
                                 options_.world_size, step);
        {
          const std::lock_guard lock(mutex_);
          queue_.push_back(std::move(loaded));
        }
        ready_.notify_one();
      }
    } catch (...) {
      {
        const std::lock_guard lock(mutex_);
        failure_ = std::current_exception();
      }
      ready_.notify_one();
    }
  }

  /// False when the loader goes.
  bool wait_for_room() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] {
      return stopping_ || static_cast<int64_t>(queue_.size()) < std::max(int64_t{1}, options_.prefetch);
    });
    return !stopping_;
  }

  std::shared_ptr<const Source> source_;
  std::shared_ptr<const Sampler> sampler_;
  LoaderOptions options_;
  int64_t next_step_;  ///< what next() returns next; only its caller's thread looks at it

  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable room_;
  std::deque<LoadedStep> queue_;
  std::exception_ptr failure_;
  bool stopping_ = false;
  std::chrono::duration<double> waited_{0};
  std::thread thread_;
};

Loader::Loader(std::shared_ptr<const Source> source, std::shared_ptr<const Sampler> sampler,
               const LoaderOptions& options) {
  check_world_size(sampler->batch_triplets(), options.world_size);
  producer_ = std::make_unique<Producer>(std::move(source), std::move(sampler), options);
}

Loader::~Loader() = default;

LoadedStep Loader::next() { return producer_->next(); }

double Loader::waited_seconds() const { return producer_->waited_seconds(); }

}  // namespace causalfm::data
