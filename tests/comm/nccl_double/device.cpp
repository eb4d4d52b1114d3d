#include "comm/nccl_double/device.hpp"

#include "causalfm/comm/error.hpp"

#include "comm/nccl_double/journal.hpp"
#include "comm/nccl_double/memory.hpp"
#include "comm/nccl_double/nccl.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>

using causalfm::comm::nccl_double::longest_wait;
using Clock = std::chrono::steady_clock;

/// A stream: a thread that takes work from a queue.
struct CUstream_st {
  explicit CUstream_st(uint64_t seed, std::chrono::microseconds longest_delay)
      : random(seed), longest(longest_delay), thread([this] { run(); }) {}

  void put(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex);
      queue.push_back(std::move(work));
    }
    changed.notify_all();
  }

  void close() {
    {
      const std::lock_guard lock(mutex);
      closed = true;
    }
    changed.notify_all();
  }

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return closed || !queue.empty(); });
      if (queue.empty()) return;
      const std::function<void()> work = std::move(queue.front());
      queue.pop_front();
      const auto spread = static_cast<uint64_t>(longest.count());
      // Most come at once: delays of all would only shift everything.
      const std::chrono::microseconds delay(random() % 3 == 0 ? random() % (spread + 1) : 0);
      lock.unlock();
      std::this_thread::sleep_for(delay);
      work();
      lock.lock();
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool closed = false;
  std::mt19937_64 random;
  std::chrono::microseconds longest;
  std::thread thread;  // last: it uses all of the above
};

namespace {

/// An event as streams see it, which outlives its handle.
struct Passing {
  std::mutex mutex;
  std::condition_variable changed;
  uint64_t recorded = 0;
  uint64_t passed = 0;
  Clock::time_point at;
};

}  // namespace

struct CUevent_st {
  bool timed;
  bool destroyed = false;
  std::shared_ptr<Passing> passing = std::make_shared<Passing>();
};

namespace causalfm::comm::nccl_double {
namespace {

/// Handles are kept after their destruction, so that their use can be told from that of others.
struct Device {
  std::mutex mutex;
  std::set<Stream> streams;
  std::vector<Stream> destroyed_streams;
  std::set<Event> events;
  std::vector<Event> destroyed_events;
  std::atomic<int> copies = 0;
  std::atomic<bool> streams_refused = false;
  std::atomic<bool> queries_refused = false;
  uint64_t seed = 1;
  std::chrono::microseconds longest_delay{0};
};

Device& device() {
  static Device instance;
  return instance;
}

thread_local Stream current = nullptr;
thread_local bool device_is_used = false;

void check_stream(Stream stream, const char* function) {
  const std::lock_guard lock(device().mutex);
  if (!device().streams.contains(stream)) violation(std::string(function) + " on a stream that is not there");
}

/// The event as `function` may use it.
Passing& passing_of(Event event, const char* function, bool must_be_recorded) {
  Passing& passing = *event->passing;
  {
    const std::lock_guard lock(device().mutex);
    if (event->destroyed) violation(std::string(function) + " of an event that is destroyed");
  }
  const std::lock_guard lock(passing.mutex);
  if (must_be_recorded && passing.recorded == 0) violation(std::string(function) + " of an event before its record");
  return passing;
}

void use(int64_t) { device_is_used = true; }

Stream current_stream(int64_t) {
  if (current == nullptr) violation("the thread that asks for its current stream computes nothing");
  return current;
}

Stream create_stream(int64_t) {
  if (device().streams_refused) throw CommunicationError("cudaStreamCreateWithPriority failed in the double");
  const std::lock_guard lock(device().mutex);
  auto* const stream = new CUstream_st(++device().seed, device().longest_delay);
  device().streams.insert(stream);
  return stream;
}

void destroy_stream(Stream stream) {
  check_stream(stream, "cudaStreamDestroy");
  const std::lock_guard lock(device().mutex);
  device().streams.erase(stream);
  device().destroyed_streams.push_back(stream);
  stream->close();
}

Event create_event(int64_t, bool timed) {
  auto* const event = new CUevent_st{timed};
  const std::lock_guard lock(device().mutex);
  device().events.insert(event);
  return event;
}

void destroy_event(Event event) {
  passing_of(event, "cudaEventDestroy", false);
  const std::lock_guard lock(device().mutex);
  event->destroyed = true;
  device().events.erase(event);
  device().destroyed_events.push_back(event);
}

void record(Event event, Stream stream) {
  check_stream(stream, "cudaEventRecord");
  if (group_is_open()) violation("cudaEventRecord in an open group, whose work is not on the stream yet");
  Passing& passing = passing_of(event, "cudaEventRecord", false);
  uint64_t number = 0;
  {
    const std::lock_guard lock(passing.mutex);
    number = ++passing.recorded;
  }
  stream->put([passing = event->passing, number] {
    const std::lock_guard lock(passing->mutex);
    passing->passed = number;
    passing->at = Clock::now();
    passing->changed.notify_all();
  });
}

void wait(Stream stream, Event event) {
  check_stream(stream, "cudaStreamWaitEvent");
  Passing& passing = passing_of(event, "cudaStreamWaitEvent", true);
  uint64_t number = 0;
  {
    const std::lock_guard lock(passing.mutex);
    number = passing.recorded;
  }
  stream->put([passing = event->passing, number] {
    std::unique_lock lock(passing->mutex);
    if (!passing->changed.wait_for(lock, longest_wait, [&] { return passing->passed >= number; })) {
      violation("a stream waits for an event that does not pass");
    }
  });
}

bool query(Event event) {
  if (device().queries_refused) throw CommunicationError("cudaEventQuery failed in the double");
  if (!has_device()) violation("cudaEventQuery on a thread that has not said which device is its own");
  Passing& passing = passing_of(event, "cudaEventQuery", true);
  const std::lock_guard lock(passing.mutex);
  return passing.passed == passing.recorded;
}

double elapsed_seconds(Event earlier, Event later) {
  Clock::time_point times[2];
  for (Event event : {earlier, later}) {
    Passing& passing = passing_of(event, "cudaEventElapsedTime", true);
    const std::lock_guard lock(passing.mutex);
    if (!event->timed) violation("cudaEventElapsedTime of an event that takes no time");
    if (passing.passed != passing.recorded) violation("cudaEventElapsedTime before the event has passed");
    times[event == later ? 1 : 0] = passing.at;
  }
  return std::chrono::duration<double>(times[1] - times[0]).count();
}

void copy(void* to, const void* from, size_t bytes, Stream stream) {
  check_stream(stream, "cudaMemcpyAsync");
  ++device().copies;
  if (!on_device({to, bytes}) && !is_pinned({to, bytes})) {
    violation("cudaMemcpyAsync to memory that is neither the device's nor pinned: the host would wait");
    return;
  }
  if (!on_device({from, bytes}) && !is_pinned({from, bytes})) {
    violation("cudaMemcpyAsync from memory that is neither the device's nor pinned: the host would wait");
    return;
  }
  enqueue(stream, [=] { std::memcpy(to, from, bytes); }, {{to, bytes}, {from, bytes}});
}

bool tensor_on_device(const at::Tensor& tensor) {
  // data_ptr() is null where there are no elements.
  return on_device({tensor.numel() == 0 ? tensor.storage().data() : tensor.data_ptr(), tensor.nbytes()});
}

}  // namespace

const DeviceApi& device_api() {
  static constexpr DeviceApi api{
      .use = use,
      .current_stream = current_stream,
      .create_stream = create_stream,
      .destroy_stream = destroy_stream,
      .create_event = create_event,
      .destroy_event = destroy_event,
      .record = record,
      .wait = wait,
      .query = query,
      .elapsed_seconds = elapsed_seconds,
      .on_device = tensor_on_device,
      .allocate = allocate,
      .allocate_pinned = allocate_pinned,
      .copy = copy,
  };
  return api;
}

void set_delays(uint64_t seed, std::chrono::microseconds longest) {
  const std::lock_guard lock(device().mutex);
  device().seed = seed;
  device().longest_delay = longest;
}

bool has_device() { return device_is_used; }
void refuse_streams(bool refuse) { device().streams_refused = refuse; }
void refuse_queries(bool refuse) { device().queries_refused = refuse; }

int copies() { return device().copies; }
void clear_copies() { device().copies = 0; }

int timed_events() {
  const std::lock_guard lock(device().mutex);
  return static_cast<int>(std::ranges::count_if(device().events, [](Event event) { return event->timed; }));
}

void enqueue(Stream stream, std::function<void()> work, std::vector<Region> regions) {
  for (const Region& region : regions) begin_use(region);
  stream->put([work = std::move(work), regions = std::move(regions)] {
    work();
    for (const Region& region : regions) end_use(region);
  });
}

bool wait_for(const std::function<bool()>& done, const char* what) {
  const auto end = Clock::now() + longest_wait;
  while (!done()) {
    if (Clock::now() > end) {
      violation(std::string("waited in vain for ") + what);
      return false;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  return true;
}

Computation::Computation() : stream_(create_stream(0)) { current = stream_; }

Computation::~Computation() {
  drain();
  destroy_stream(stream_);
  current = nullptr;
}

at::Tensor Computation::on_device(const at::Tensor& values) {
  const at::Tensor bytes = allocate(static_cast<int64_t>(values.nbytes()), 0);
  const at::Tensor tensor = at::from_blob(
      bytes.data_ptr(), values.sizes(), [bytes](void*) {}, values.options());
  enqueue([tensor, values = values.clone()] { tensor.copy_(values); });
  return tensor;
}

at::Tensor Computation::fetch(const at::Tensor& tensor) {
  const at::Tensor values = at::empty_like(tensor);
  enqueue([values, tensor] { values.copy_(tensor); });
  drain();
  return values;
}

void Computation::drain() {
  const auto done = std::make_shared<std::atomic<bool>>(false);
  enqueue([done] { *done = true; });
  wait_for([&] { return done->load(); }, "the computation's stream");
}

void end_device() {
  std::vector<Stream> streams;
  {
    const std::lock_guard lock(device().mutex);
    if (!device().streams.empty()) violation("a stream is left");
    if (!device().events.empty()) violation("an event is left");
    streams = std::exchange(device().destroyed_streams, {});
  }
  for (Stream stream : streams) {
    stream->thread.join();
    delete stream;
  }
  const std::lock_guard lock(device().mutex);
  for (Event event : std::exchange(device().destroyed_events, {})) delete event;
  end_memory();
}

}  // namespace causalfm::comm::nccl_double
