#include "comm/nccl_double/journal.hpp"

#include <mutex>
#include <utility>

namespace causalfm::comm::nccl_double {
namespace {

struct Journal {
  std::mutex mutex;
  std::vector<Record> records;
  std::vector<std::string> violations;
};

Journal& journal() {
  static Journal instance;
  return instance;
}

}  // namespace

void record(Record record) {
  const std::lock_guard lock(journal().mutex);
  journal().records.push_back(std::move(record));
}

std::vector<Record> records() {
  const std::lock_guard lock(journal().mutex);
  return journal().records;
}

std::vector<std::string> functions_of(int64_t rank) {
  std::vector<std::string> functions;
  for (const Record& record : records()) {
    const bool repeats = !functions.empty() && record.function == functions.back();
    if (record.rank == rank && !(repeats && record.function == "ncclCommGetAsyncError")) {
      functions.push_back(record.function);
    }
  }
  return functions;
}

void violation(const std::string& what) {
  const std::lock_guard lock(journal().mutex);
  journal().violations.push_back(what);
}

std::vector<std::string> violations() {
  const std::lock_guard lock(journal().mutex);
  return journal().violations;
}

void clear_journal() {
  const std::lock_guard lock(journal().mutex);
  journal().records.clear();
  journal().violations.clear();
}

}  // namespace causalfm::comm::nccl_double
