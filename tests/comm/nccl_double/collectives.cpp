#include "comm/nccl_double/collectives.hpp"

#include "comm/nccl_double/journal.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace causalfm::comm::nccl_double {
namespace {

template <typename Element>
void reduce_into(void* to, const Meeting& meeting, int ranks, size_t first, size_t count, ncclRedOp_t operation) {
  auto* const result = static_cast<Element*>(to);
  for (size_t element = 0; element < count; ++element) {
    const auto value = [&](int rank) {
      Element next;
      std::memcpy(&next, meeting.data_of(rank) + (first + element) * sizeof(Element), sizeof(Element));
      return next;
    };
    Element sum = value(0);
    for (int rank = 1; rank < ranks; ++rank) {
      const Element next = value(rank);
      sum = operation == ncclMax ? std::max(sum, next) : operation == ncclMin ? std::min(sum, next) : sum + next;
    }
    result[element] = sum;
  }
}

void reduce(void* to, const Meeting& meeting, int ranks, size_t first, const Work& work) {
  switch (work.type) {
    case ncclFloat32:
      return reduce_into<float>(to, meeting, ranks, first, work.count, work.operation);
    case ncclFloat64:
      return reduce_into<double>(to, meeting, ranks, first, work.count, work.operation);
    case ncclInt64:
      return reduce_into<int64_t>(to, meeting, ranks, first, work.count, work.operation);
    case ncclInt32:
      return reduce_into<int32_t>(to, meeting, ranks, first, work.count, work.operation);
    case ncclUint8:
      return reduce_into<uint8_t>(to, meeting, ranks, first, work.count, work.operation);
    default:
      violation("a reduction of a type that the double does not know");
  }
}

void write(const Work& work, const Meeting& meeting, int rank, int ranks) {
  const size_t bytes = work.count * size_of(work.type);
  auto* const to = static_cast<std::byte*>(work.to);
  if (work.kind == Kind::all_reduce) reduce(to, meeting, ranks, 0, work);
  if (work.kind == Kind::reduce_scatter) reduce(to, meeting, ranks, rank * work.count, work);
  if (work.kind == Kind::broadcast) std::memcpy(to, meeting.data_of(work.peer), bytes);
  if (work.kind == Kind::all_gather) {
    for (int source = 0; source < ranks; ++source) std::memcpy(to + source * bytes, meeting.data_of(source), bytes);
  }
}

void collective(const Work& work, Meeting& meeting, int rank, int ranks, const std::function<bool()>& stop) {
  Words words{static_cast<int>(work.kind), work.type, work.operation, work.peer, work.count};
  meeting.exchange(words, work.from, bytes_read(work, ranks), stop, [&] {
    for (int other = 0; other < ranks; ++other) {
      if (std::memcmp(&meeting.words_of(other), &words, sizeof words) != 0) {
        return violation("ranks " + std::to_string(rank) + " and " + std::to_string(other) +
                         " made calls that do not match, of " + std::to_string(words.count) + " and " +
                         std::to_string(meeting.words_of(other).count) + " elements");
      }
    }
    write(work, meeting, rank, ranks);
  });
}

/// What lies before the bytes for `rank` in what a rank sends.
size_t start_for(const Words& words, int rank) {
  size_t start = 0;
  for (int before = 0; before < rank; ++before) start += words.sent[before];
  return start;
}

void point_to_point(const std::vector<Work>& group, Meeting& meeting, int rank, int ranks,
                    const std::function<bool()>& stop) {
  Words words{static_cast<int>(Kind::send)};
  std::vector<std::byte> outgoing;
  for (int peer = 0; peer < ranks; ++peer) {
    for (const Work& work : group) {
      if (work.peer != peer) continue;
      const size_t bytes = work.count * size_of(work.type);
      (work.kind == Kind::send ? words.sent : words.received)[peer] += bytes;
      const auto* const from = static_cast<const std::byte*>(work.from);
      if (work.kind == Kind::send) outgoing.insert(outgoing.end(), from, from + bytes);
    }
  }
  meeting.exchange(words, outgoing.data(), outgoing.size(), stop, [&] {
    for (const Work& work : group) {
      if (work.kind != Kind::receive) continue;
      const Words& theirs = meeting.words_of(work.peer);
      const size_t bytes = work.count * size_of(work.type);
      if (theirs.collective != words.collective || theirs.sent[rank] != bytes) {
        violation("rank " + std::to_string(rank) + " receives " + std::to_string(bytes) + " bytes from rank " +
                  std::to_string(work.peer) + ", which sends " + std::to_string(theirs.sent[rank]));
        continue;
      }
      std::memcpy(work.to, meeting.data_of(work.peer) + start_for(theirs, rank), bytes);
    }
  });
}

}  // namespace

size_t size_of(ncclDataType_t type) {
  switch (type) {
    case ncclFloat64:
    case ncclInt64:
      return 8;
    case ncclFloat32:
    case ncclInt32:
      return 4;
    case ncclBfloat16:
      return 2;
    default:
      return 1;
  }
}

size_t bytes_read(const Work& work, int ranks) {
  if (work.from == nullptr) return 0;
  return work.count * size_of(work.type) * (work.kind == Kind::reduce_scatter ? ranks : 1);
}

size_t bytes_written(const Work& work, int ranks) {
  if (work.to == nullptr) return 0;
  return work.count * size_of(work.type) * (work.kind == Kind::all_gather ? ranks : 1);
}

void carry_out(const std::vector<Work>& group, Meeting& meeting, int rank, int ranks,
               const std::function<bool()>& stop) {
  std::vector<Work> pairs;
  for (const Work& work : group) {
    const bool pairwise = work.kind == Kind::send || work.kind == Kind::receive;
    if (pairwise) pairs.push_back(work);
    if (!pairwise) collective(work, meeting, rank, ranks, stop);
  }
  if (!pairs.empty()) point_to_point(pairs, meeting, rank, ranks, stop);
}

}  // namespace causalfm::comm::nccl_double
