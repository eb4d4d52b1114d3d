#pragma once

#include "causalfm/comm/communicator.hpp"

#include "device_exposure.hpp"
#include "device_resources.hpp"
#include "nccl_connection.hpp"
#include "nccl_watch.hpp"

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace causalfm::comm {

/// What a rank's collectives share.
struct NcclRank {
  const DeviceApi& api;
  const int64_t device;
  std::shared_ptr<NcclConnection> connection;
  std::shared_ptr<DeviceExposure> exposure;
  DeviceStream stream;  ///< of all collectives, one after the other
  NcclWatch watch;
};

/// One collective from the tensors as they are handed in to its Operation: memory first, then begin(), then copies and
/// NCCL's work on the stream, then end(). Whatever was begun keeps its memory until the stream is done with it, even
/// if an exception comes in between.
/// Tensors in host memory take a detour: by pinned memory to the device and back.
class NcclExchange {
 public:
  NcclExchange(NcclRank& rank, const Call& call, std::string place);
  ~NcclExchange();
  NcclExchange(const NcclExchange&) = delete;
  NcclExchange& operator=(const NcclExchange&) = delete;

  const std::byte* input(const at::Tensor& tensor);  ///< where its values are from begin() on
  std::byte* output(const at::Tensor& tensor);       ///< where its values are to be at end()
  std::byte* input_output(const at::Tensor& tensor);
  std::byte* scratch(int64_t bytes);

  /// The stream waits for what is on the computation's stream by now.
  void begin();

  void copy(std::byte* to, const std::byte* from, int64_t bytes);

  /// NCCL's work, on `stream()`. @throws CommunicationError
  void issue(const NcclConnection::Enqueue& enqueue);

  Stream stream() const { return rank_.stream.get(); }

  enum class Wait { device, host };

  /// The Operation's wait() makes the computation's stream wait; the host, where results are to be in its memory or it
  /// is asked for.
  std::unique_ptr<Pending::Operation> end(Wait wait = Wait::device);

 private:
  /// A tensor in host memory and its double on the device.
  struct Detour {
    at::Tensor host;
    at::Tensor pinned;
    at::Tensor device;
  };

  bool needs_detour(const at::Tensor& tensor) const;
  std::byte* keep(const at::Tensor& tensor);
  Detour detour(const at::Tensor& tensor);
  std::shared_ptr<DeviceEvent> depart();

  NcclRank& rank_;
  NcclWait wait_;
  std::vector<at::Tensor> memory_;
  std::vector<Detour> inbound_;
  std::vector<Detour> outbound_;
  bool begun_ = false;
};

}  // namespace causalfm::comm
