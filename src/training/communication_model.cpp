#include "training/communication_model.hpp"

#include <algorithm>
#include <cmath>

namespace causalfm::training {

Links links_of(const Hardware& hardware, int64_t ranks) {
  constexpr double latency_in_node = 5e-6;
  constexpr double latency_between_nodes = 10e-6;
  if (ranks <= hardware.ranks_per_node) return {hardware.node_bytes_per_second, latency_in_node};
  return {std::min(hardware.node_bytes_per_second, hardware.network_bytes_per_second), latency_between_nodes};
}

CollectivePlan cost_of(comm::Collective collective, const comm::Traffic::Volume& volume, const Links& links,
                       int64_t ranks) {
  CollectivePlan plan{.collective = collective, .volume = volume};
  if (ranks == 1) return plan;
  const auto bytes = static_cast<double>(volume.bytes);
  const auto calls = static_cast<double>(volume.calls);
  const auto others = static_cast<double>(ranks - 1);
  const double depth = std::ceil(std::log2(static_cast<double>(ranks)));
  const double share = others / static_cast<double>(ranks);
  double ring_messages = others;
  double tree_messages = depth;
  switch (collective) {
    case comm::Collective::all_reduce:
      ring_messages *= 2.0;
      tree_messages *= 2.0;
      plan.ring_bytes = 2.0 * share * bytes;
      plan.tree_bytes = 2.0 * bytes;
      break;
    case comm::Collective::all_gather:
    case comm::Collective::reduce_scatter:
      plan.ring_bytes = plan.tree_bytes = share * bytes;
      break;
    case comm::Collective::all_to_all:
      tree_messages = others;  // what a rank sends differs for every other one
      plan.ring_bytes = plan.tree_bytes = share * bytes;
      break;
    case comm::Collective::broadcast:
    case comm::Collective::barrier:
      plan.ring_bytes = plan.tree_bytes = bytes;
      break;
  }
  const auto seconds = [&](double messages, double sent) {
    return calls * messages * links.latency + sent / links.bytes_per_second;
  };
  plan.seconds = std::min(seconds(ring_messages, plan.ring_bytes), seconds(tree_messages, plan.tree_bytes));
  return plan;
}

}  // namespace causalfm::training
