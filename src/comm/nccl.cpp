#include "nccl.hpp"

#include "causalfm/comm/error.hpp"

#include "nccl_exchange.hpp"
#include "padded_rows.hpp"

#include <ATen/ops/zeros.h>

#include <cstring>
#include <exception>
#include <string>
#include <utility>

namespace causalfm::comm {
namespace {

using Operation = std::unique_ptr<Pending::Operation>;

ncclDataType_t element_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return ncclFloat32;
    case at::kDouble:
      return ncclFloat64;
    case at::kLong:
      return ncclInt64;
    case at::kInt:
      return ncclInt32;
    case at::kBFloat16:
      return ncclBfloat16;
    default:
      return ncclUint8;
  }
}

ncclRedOp_t reduction_operation(Reduction reduction, at::ScalarType type) {
  if (reduction == Reduction::minimum) return ncclMin;
  // A bool is one byte that must stay 0 or 1.
  return reduction == Reduction::maximum || type == at::kBool ? ncclMax : ncclSum;
}

/// Rank 0 makes the id by which ranks find each other. It speaks also where it cannot, for the others listen.
ncclUniqueId agree_on_id(const NcclApi& api, Communicator& control) {
  ncclUniqueId id{};
  const at::Tensor message = at::zeros({1 + static_cast<int64_t>(sizeof id)}, at::kByte);
  auto* bytes = message.mutable_data_ptr<uint8_t>();
  if (control.rank() == 0) {
    bytes[0] = static_cast<uint8_t>(api.get_unique_id(&id));
    std::memcpy(bytes + 1, &id, sizeof id);
  }
  control.broadcast(message, 0, "NCCL's unique id").wait();
  if (bytes[0] != ncclSuccess) {
    throw CommunicationError("the start of NCCL failed on rank 0, which could not make a unique id: " +
                             std::string(api.get_error_string(static_cast<ncclResult_t>(bytes[0]))) +
                             "; check that NCCL_SOCKET_IFNAME, if set, names a network of this node, or set "
                             "comm.backend to mpi");
  }
  std::memcpy(&id, bytes + 1, sizeof id);
  return id;
}

std::shared_ptr<NcclConnection> connect(const NcclApi& nccl, const DeviceApi& api, Communicator& control,
                                        int64_t device, const Options& options) {
  const ncclUniqueId id = agree_on_id(nccl, control);
  api.use(device);
  return std::make_shared<NcclConnection>(nccl, id, control.rank(), control.world_size(), options);
}

class Nccl final : public Communicator {
 public:
  Nccl(const NcclApi& nccl, const DeviceApi& api, Communicator& control, int64_t device, const Options& options)
      : Communicator(options.monitor),
        nccl_(nccl),
        rank_(control.rank()),
        world_size_(control.world_size()),
        connection_(connect(nccl, api, control, device, options)),
        own_{api,
             device,
             connection_,
             std::make_shared<DeviceExposure>(api, device),
             DeviceStream(api, device),
             NcclWatch(connection_, api, device)},
        exceptions_at_start_(std::uncaught_exceptions()) {}

  ~Nccl() override {
    if (std::uncaught_exceptions() > exceptions_at_start_) {
      // The others may never come to what is under way here.
      connection_->fail(std::make_exception_ptr(
          CommunicationError(connection_->place() + " was given up because of an exception on this rank")));
    }
    own_.watch.finish();
    connection_->close();
  }

  Nccl(const Nccl&) = delete;
  Nccl& operator=(const Nccl&) = delete;

  int64_t rank() const override { return rank_; }
  int64_t world_size() const override { return world_size_; }
  std::string_view backend() const override { return "nccl"; }

  void require_intact() const override { connection_->check(); }

 private:
  // What has no elements has none on any rank, so that all ranks leave it out alike.

  Operation start_all_reduce(const Call& call, at::Tensor tensor, Reduction reduction) override {
    if (tensor.numel() == 0) return {};
    NcclExchange exchange = begin_exchange(call);
    std::byte* const values = exchange.input_output(tensor);
    exchange.begin();
    exchange.issue([&](ncclComm_t communicator) {
      return nccl_.all_reduce(values, values, tensor.numel(), element_type(tensor.scalar_type()),
                              reduction_operation(reduction, tensor.scalar_type()), communicator, exchange.stream());
    });
    return exchange.end();
  }

  Operation start_all_gather(const Call& call, at::Tensor slice, at::Tensor gathered,
                             at::IntArrayRef rows_of_rank) override {
    if (gathered.numel() == 0) return {};
    const PaddedRows rows(gathered, rows_of_rank);
    NcclExchange exchange = begin_exchange(call);
    const std::byte* const own = exchange.input(slice);
    std::byte* const all = exchange.output(gathered);
    const bool fits = rows.bytes_of(rank_) == rows.block_bytes();
    std::byte* const block = fits ? nullptr : exchange.scratch(rows.block_bytes());
    std::byte* const blocks = rows.even() ? all : exchange.scratch(rows.block_bytes() * world_size_);
    exchange.begin();
    if (!fits) exchange.copy(block, own, rows.bytes_of(rank_));
    exchange.issue([&](ncclComm_t communicator) {
      return nccl_.all_gather(fits ? own : block, blocks, rows.block_elements(), element_type(slice.scalar_type()),
                              communicator, exchange.stream());
    });
    for (int64_t rank = 0; rank < world_size_ && !rows.even(); ++rank) {
      exchange.copy(all + rows.start_of(rank), blocks + rank * rows.block_bytes(), rows.bytes_of(rank));
    }
    return exchange.end();
  }

  Operation start_reduce_scatter(const Call& call, at::Tensor tensor, at::Tensor slice,
                                 at::IntArrayRef rows_of_rank) override {
    if (tensor.numel() == 0) return {};
    const PaddedRows rows(tensor, rows_of_rank);
    NcclExchange exchange = begin_exchange(call);
    const std::byte* const all = exchange.input(tensor);
    std::byte* const own = exchange.output(slice);
    std::byte* const blocks = rows.even() ? nullptr : exchange.scratch(rows.block_bytes() * world_size_);
    const bool fits = rows.bytes_of(rank_) == rows.block_bytes();
    std::byte* const block = fits ? own : exchange.scratch(rows.block_bytes());
    exchange.begin();
    for (int64_t rank = 0; rank < world_size_ && !rows.even(); ++rank) {
      exchange.copy(blocks + rank * rows.block_bytes(), all + rows.start_of(rank), rows.bytes_of(rank));
    }
    exchange.issue([&](ncclComm_t communicator) {
      return nccl_.reduce_scatter(
          rows.even() ? all : blocks, block, rows.block_elements(), element_type(slice.scalar_type()),
          reduction_operation(Reduction::sum, slice.scalar_type()), communicator, exchange.stream());
    });
    if (!fits) exchange.copy(own, block, rows.bytes_of(rank_));
    return exchange.end();
  }

  Operation start_all_to_all(const Call& call, at::Tensor sent, at::Tensor received) override {
    if (sent.numel() == 0) return {};
    NcclExchange exchange = begin_exchange(call);
    const std::byte* const outgoing = exchange.input(sent);
    std::byte* const incoming = exchange.output(received);
    const int64_t elements = sent.numel() / world_size_;
    const int64_t row_bytes = static_cast<int64_t>(sent.nbytes()) / world_size_;
    const ncclDataType_t type = element_type(sent.scalar_type());
    exchange.begin();
    exchange.issue([&](ncclComm_t communicator) {
      return group([&](int peer) {
        const ncclResult_t result =
            nccl_.send(outgoing + peer * row_bytes, elements, type, peer, communicator, exchange.stream());
        if (is_error(result)) return result;
        return nccl_.receive(incoming + peer * row_bytes, elements, type, peer, communicator, exchange.stream());
      });
    });
    return exchange.end();
  }

  Operation start_broadcast(const Call& call, at::Tensor tensor, int64_t root) override {
    if (tensor.numel() == 0) return {};
    NcclExchange exchange = begin_exchange(call);
    std::byte* const values = exchange.input_output(tensor);
    exchange.begin();
    exchange.issue([&](ncclComm_t communicator) {
      return nccl_.broadcast(values, values, tensor.numel(), element_type(tensor.scalar_type()), static_cast<int>(root),
                             communicator, exchange.stream());
    });
    return exchange.end();
  }

  /// NCCL has no barrier: the least sum, and the host waits for it.
  Operation start_barrier(const Call& call) override {
    NcclExchange exchange = begin_exchange(call);
    std::byte* const values = exchange.scratch(1);
    exchange.begin();
    exchange.issue([&](ncclComm_t communicator) {
      return nccl_.all_reduce(values, values, 1, ncclUint8, ncclSum, communicator, exchange.stream());
    });
    return exchange.end(NcclExchange::Wait::host);
  }

  double device_exposed_seconds() const override { return own_.exposure->seconds(); }

  NcclExchange begin_exchange(const Call& call) { return {own_, call, call.place(rank_, world_size_)}; }

  /// `to_peer` for every rank, as one launch. Whatever happens in between, a group that was opened is closed: this
  /// thread's later calls would otherwise wait in it for ever.
  template <typename ToPeer>
  ncclResult_t group(const ToPeer& to_peer) {
    ncclResult_t result = nccl_.group_start();
    if (is_error(result)) return result;
    for (int peer = 0; peer < world_size_ && !is_error(result); ++peer) result = to_peer(peer);
    const ncclResult_t ended = nccl_.group_end();
    return is_error(result) ? result : ended;
  }

  const NcclApi& nccl_;
  const int64_t rank_;
  const int64_t world_size_;
  std::shared_ptr<NcclConnection> connection_;
  NcclRank own_;
  const int exceptions_at_start_;
};

}  // namespace

std::unique_ptr<Communicator> make_nccl(const NcclApi& nccl, const DeviceApi& api, Communicator& control,
                                        int64_t device, const Options& options) {
  return std::make_unique<Nccl>(nccl, api, control, device, options);
}

}  // namespace causalfm::comm
