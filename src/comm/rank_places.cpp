#include "causalfm/comm/rank_places.hpp"

#include "causalfm/comm/topology.hpp"
#include "comm/gather_texts.hpp"

#include <algorithm>
#include <iterator>

namespace causalfm::comm {
namespace {

constexpr size_t most_hosts = 16;
constexpr size_t most_groups = 16;  ///< of a host; as many GPUs
constexpr size_t most_ranges = 8;   ///< of ranks dealt out to the hosts in turn

using Ranks = std::vector<int64_t>;

std::string counted(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// "rank 3", "ranks 0-3", "ranks 0,2,4,6,8,10,12,14,... (40 in all)"
std::string name_ranks(const Ranks& ranks) {
  return (ranks.size() == 1 ? "rank " : "ranks ") + number_ranges(ranks, most_ranges);
}

/// Ranks of equal key together, in the order of their first.
template <typename Key>
std::vector<Ranks> group(const Ranks& ranks, const Key& key) {
  std::vector<Ranks> groups;
  for (const int64_t rank : ranks) {
    const auto same = std::ranges::find_if(groups, [&](const Ranks& other) { return key(other.front()) == key(rank); });
    if (same != groups.end()) {
      same->push_back(rank);
    } else {
      groups.push_back({rank});
    }
  }
  return groups;
}

std::string describe(const Ranks& ranks, const RankPlace& place) {
  const bool one_node = place.numa_nodes.find_first_of("-,") == std::string::npos;
  return name_ranks(ranks) + " on " + place.device + ", NUMA node" + (one_node ? " " : "s ") + place.numa_nodes + ", " +
         counted(place.threads, "thread") + (ranks.size() == 1 ? "" : " each");
}

std::string describe_host(const Ranks& ranks, const std::vector<RankPlace>& places) {
  const std::vector<Ranks> groups = group(ranks, [&](int64_t rank) { return places[rank]; });
  std::string line = places[ranks.front()].host + ": ";
  for (size_t i = 0; i < std::min(groups.size(), most_groups); ++i) {
    line += (i == 0 ? "" : "; ") + describe(groups[i], places[groups[i].front()]);
  }
  if (groups.size() > most_groups) line += "; ... (" + counted(ranks.size(), "rank") + " in all)";
  return line;
}

}  // namespace

std::vector<RankPlace> gather_places(Communicator& ranks, const RankPlace& mine) {
  std::vector<RankPlace> places;
  for (const std::vector<std::string>& texts : gather_texts(
           ranks, {mine.host, mine.device, mine.numa_nodes, std::to_string(mine.threads)}, "the ranks' places")) {
    places.push_back({texts[0], texts[1], texts[2], std::stoll(texts[3])});
  }
  return places;
}

std::vector<std::string> describe_places(const std::vector<RankPlace>& places) {
  Ranks all(places.size());
  for (size_t rank = 0; rank < all.size(); ++rank) all[rank] = static_cast<int64_t>(rank);
  const std::vector<Ranks> hosts = group(all, [&](int64_t rank) { return places[rank].host; });
  std::vector<std::string> lines;
  for (size_t i = 0; i < std::min(hosts.size(), most_hosts); ++i) lines.push_back(describe_host(hosts[i], places));
  if (hosts.size() > most_hosts) {
    Ranks others;
    for (size_t i = most_hosts; i < hosts.size(); ++i) std::ranges::copy(hosts[i], std::back_inserter(others));
    std::ranges::sort(others);
    lines.push_back("and " + counted(hosts.size() - most_hosts, "host") + " more with " + name_ranks(others));
  }
  return lines;
}

}  // namespace causalfm::comm
