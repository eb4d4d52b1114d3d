#include "training/profile.hpp"

#include <c10/core/impl/VirtualGuardImpl.h>

#include <exception>

namespace causalfm::training {

Profile::Profile(const comm::Communicator& communicator, c10::Device device)
    : communicator_(communicator), device_(device), origin_(std::chrono::steady_clock::now()) {}

double Profile::now() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - origin_).count();
}

double Profile::boundary() const {
  if (!device_.is_cpu()) c10::impl::VirtualGuardImpl(device_.type()).getStream(device_).synchronize();
  return now();
}

void Profile::observe(const std::string& name, const at::Tensor&) {
  const double end = boundary();
  add({Span::Kind::sublayer, name, mark_, end, 0.0});
  mark_ = end;
}

Profile::Scope::Scope(Profile* profile, std::string_view name, Span::Kind kind) : profile_(profile) {
  if (profile_ == nullptr) return;
  span_.kind = kind;
  span_.name = name;
  span_.waited = -profile_->communicator_.traffic().exposed_seconds;
  span_.begin = profile_->boundary();
  profile_->mark_ = span_.begin;
  exceptions_ = std::uncaught_exceptions();
}

Profile::Scope::~Scope() {
  if (profile_ == nullptr || std::uncaught_exceptions() > exceptions_) return;
  span_.end = profile_->boundary();
  span_.waited += profile_->communicator_.traffic().exposed_seconds;
  profile_->add(std::move(span_));
}

}  // namespace causalfm::training
