#include "causalfm/comm/communicator.hpp"

#include "call.hpp"
#include "call_check.hpp"

namespace causalfm::comm {

Call Communicator::next(Call call) {
  call.number = calls_++;
  Traffic::Volume& volume = traffic_.of(call.collective);
  ++volume.calls;
  volume.bytes += call.bytes;
  if (monitor_) monitor_->started(call);
  if (check_channel_) require_same_call(*check_channel_, call);
  return call;
}

Pending Communicator::all_reduce(at::Tensor tensor, Reduction reduction, std::string_view purpose) {
  const Call call = next(all_reduce_call(tensor, reduction, purpose));
  return Pending(start_all_reduce(call, tensor.detach(), reduction), exposed_seconds_);
}

Pending Communicator::all_gather(at::Tensor slice, at::Tensor gathered, at::IntArrayRef rows_of_rank,
                                 std::string_view purpose) {
  const Call call = next(all_gather_call(slice, gathered, rows_of_rank, rank(), world_size(), purpose));
  return Pending(start_all_gather(call, slice.detach(), gathered.detach(), rows_of_rank), exposed_seconds_);
}

Pending Communicator::reduce_scatter(at::Tensor tensor, at::Tensor slice, at::IntArrayRef rows_of_rank,
                                     std::string_view purpose) {
  const Call call = next(reduce_scatter_call(tensor, slice, rows_of_rank, rank(), world_size(), purpose));
  return Pending(start_reduce_scatter(call, tensor.detach(), slice.detach(), rows_of_rank), exposed_seconds_);
}

Pending Communicator::all_to_all(at::Tensor sent, at::Tensor received, std::string_view purpose) {
  const Call call = next(all_to_all_call(sent, received, world_size(), purpose));
  return Pending(start_all_to_all(call, sent.detach(), received.detach()), exposed_seconds_);
}

Pending Communicator::broadcast(at::Tensor tensor, int64_t root, std::string_view purpose) {
  const Call call = next(broadcast_call(tensor, root, world_size(), purpose));
  return Pending(start_broadcast(call, tensor.detach(), root), exposed_seconds_);
}

void Communicator::barrier() {
  const Call call = next({Collective::barrier, to_string(Collective::barrier)});
  Pending(start_barrier(call), exposed_seconds_).wait();
}

void Communicator::announce(Phase phase, int64_t step) {
  if (monitor_) monitor_->announce(phase, step);
}

Traffic Communicator::traffic() const {
  Traffic traffic = traffic_;
  traffic.exposed_seconds = *exposed_seconds_ + device_exposed_seconds();
  return traffic;
}

}  // namespace causalfm::comm
