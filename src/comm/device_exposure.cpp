#include "device_exposure.hpp"

namespace causalfm::comm {

void DeviceExposure::hold_up(const DeviceEvent& done) {
  const Stream stream = api_.current_stream(device_);
  Wait wait{std::make_unique<DeviceEvent>(api_, device_, DeviceEvent::Kind::timed),
            std::make_unique<DeviceEvent>(api_, device_, DeviceEvent::Kind::timed)};
  wait.before->record(stream);
  done.hold_up(stream);
  wait.after->record(stream);
  waits_.push_back(std::move(wait));
  // Whoever never asks for the sum must not keep an event for every wait of a long run.
  seconds();
}

double DeviceExposure::seconds() {
  while (!waits_.empty() && waits_.front().after->has_passed()) {
    seconds_ += waits_.front().after->seconds_since(*waits_.front().before);
    waits_.pop_front();
  }
  return seconds_;
}

}  // namespace causalfm::comm
