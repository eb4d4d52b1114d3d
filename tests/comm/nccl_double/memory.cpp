#include "comm/nccl_double/memory.hpp"

#include "comm/nccl_double/journal.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <list>
#include <map>
#include <mutex>

namespace causalfm::comm::nccl_double {
namespace {

struct Allocation {
  size_t bytes;
  bool pinned;
};

struct Memory {
  std::mutex mutex;
  std::map<const std::byte*, Allocation> allocations;
  std::vector<std::byte*> freed;
  std::list<Region> uses;
};

Memory& memory() {
  static Memory instance;
  return instance;
}

const std::byte* begin_of(const Region& region) { return static_cast<const std::byte*>(region.start); }
const std::byte* end_of(const Region& region) { return begin_of(region) + region.bytes; }

void release(std::byte* start) {
  const std::lock_guard lock(memory().mutex);
  const Region freed{start, memory().allocations.at(start).bytes};
  const bool used = std::ranges::any_of(
      memory().uses, [&](const Region& use) { return begin_of(use) < end_of(freed) && begin_of(freed) < end_of(use); });
  if (used) violation("memory was freed that work on a stream still uses");
  std::memset(start, 0xa5, freed.bytes);
  memory().allocations.erase(start);
  memory().freed.push_back(start);
}

at::Tensor allocate_as(int64_t bytes, bool pinned) {
  const size_t size = std::max<int64_t>(bytes, 1);
  auto* const start = static_cast<std::byte*>(std::aligned_alloc(64, (size + 63) / 64 * 64));
  std::memset(start, 0x5a, size);
  {
    const std::lock_guard lock(memory().mutex);
    memory().allocations[start] = {size, pinned};
  }
  return at::from_blob(
      start, {bytes}, [start](void*) { release(start); }, at::kByte);
}

bool within(const Region& region, bool pinned) {
  const std::lock_guard lock(memory().mutex);
  auto after = memory().allocations.upper_bound(begin_of(region));
  if (after == memory().allocations.begin()) return false;
  const auto& [start, allocation] = *std::prev(after);
  return allocation.pinned == pinned && end_of(region) <= start + allocation.bytes;
}

}  // namespace

at::Tensor allocate(int64_t bytes, int64_t) { return allocate_as(bytes, false); }
at::Tensor allocate_pinned(int64_t bytes) { return allocate_as(bytes, true); }

bool on_device(const Region& region) { return within(region, false); }
bool is_pinned(const Region& region) { return within(region, true); }

void begin_use(const Region& region) {
  const std::lock_guard lock(memory().mutex);
  memory().uses.push_back(region);
}

void end_use(const Region& region) {
  const std::lock_guard lock(memory().mutex);
  const auto same = [&](const Region& use) { return use.start == region.start && use.bytes == region.bytes; };
  memory().uses.erase(std::ranges::find_if(memory().uses, same));
}

void end_memory() {
  const std::lock_guard lock(memory().mutex);
  if (!memory().allocations.empty()) violation("an allocation is left");
  for (std::byte* start : memory().freed) std::free(start);
  memory().freed.clear();
}

}  // namespace causalfm::comm::nccl_double
