#include "model/scope.hpp"

#include "causalfm/philox.hpp"

#include <ATen/ATen.h>

namespace causalfm::model {
namespace {

/// FNV-1a (Fowler, Noll & Vo), 64 bits: the high half of the Philox counter.
uint64_t hash_of(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char letter : name) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace

Scope Scope::operator/(std::string_view name) const {
  Scope inner = *this;
  inner.path_ = full_name(name);
  return inner;
}

std::string Scope::full_name(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "/" + std::string(name);
}

at::Tensor Scope::uniform(std::string_view name, at::IntArrayRef shape, double bound) const {
  std::string full = full_name(name);
  const at::Tensor initial = at::empty(shape, at::kDouble);
  const PhiloxKey key = philox_key(seed_, RandomStream::initialisation);
  const uint64_t high = hash_of(full);
  auto* const values = initial.mutable_data_ptr<double>();
  for (int64_t i = 0; i < initial.numel(); ++i) {
    const PhiloxBlock words = philox4x32(high, static_cast<uint64_t>(i / 2), key);
    const auto pair = static_cast<size_t>(2 * (i % 2));
    values[i] = bound * (2.0 * uniform_double(words[pair], words[pair + 1]) - 1.0);
  }
  return parameters_->add(std::move(full), initial);
}

std::vector<at::Tensor> Scope::parameters() const {
  std::vector<at::Tensor> found;
  for (const Parameters::Entry& entry : parameters_->entries()) {
    if (path_.empty() || entry.name.starts_with(path_ + "/")) found.push_back(entry.value);
  }
  return found;
}

at::Tensor Scope::constant(std::string_view name, at::IntArrayRef shape, double value) const {
  return parameters_->add(full_name(name), at::full(shape, value, at::kDouble));
}

}  // namespace causalfm::model
