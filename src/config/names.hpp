#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/config/error.hpp"

#include <array>
#include <optional>
#include <string_view>

/// The text of every enumerator, once. What a user writes, what to_yaml writes and what the documentation lists is
/// this text, in this order.
namespace causalfm::config {

template <typename Enum>
struct Named {
  Enum value;
  std::string_view text;
};

constexpr auto names_of(Assignment) {
  return std::to_array<Named<Assignment>>(
      {{Assignment::balanced, "balanced"}, {Assignment::uniform, "uniform"}, {Assignment::sparse, "sparse"}});
}
constexpr auto names_of(Phases) {
  return std::to_array<Named<Phases>>({{Phases::observation, "observation"}, {Phases::star, "star"}});
}
constexpr auto names_of(SamplerKind) {
  return std::to_array<Named<SamplerKind>>({{SamplerKind::triplet, "triplet"}, {SamplerKind::pair, "pair"}});
}
constexpr auto names_of(Latents) {
  return std::to_array<Named<Latents>>({{Latents::dual, "dual"}, {Latents::single, "single"}});
}
constexpr auto names_of(EncoderKind) {
  return std::to_array<Named<EncoderKind>>({{EncoderKind::conformer, "conformer"}, {EncoderKind::mlp, "mlp"}});
}
constexpr auto names_of(Spectrum) {
  return std::to_array<Named<Spectrum>>({{Spectrum::none, "none"}, {Spectrum::amplitudes, "amplitudes"}});
}
constexpr auto names_of(Sublayer) {
  return std::to_array<Named<Sublayer>>({{Sublayer::attention, "attention"},
                                         {Sublayer::lstm, "lstm"},
                                         {Sublayer::convolution, "convolution"},
                                         {Sublayer::feed_forward, "feed_forward"}});
}
constexpr auto names_of(Anchors) {
  return std::to_array<Named<Anchors>>({{Anchors::first, "first"}, {Anchors::all, "all"}});
}
constexpr auto names_of(Schedule) {
  return std::to_array<Named<Schedule>>({{Schedule::constant, "constant"}, {Schedule::cosine, "cosine"}});
}
constexpr auto names_of(OptimizerKind) { return std::to_array<Named<OptimizerKind>>({{OptimizerKind::adam, "adam"}}); }
constexpr auto names_of(Precision) {
  return std::to_array<Named<Precision>>(
      {{Precision::float32, "float32"}, {Precision::bfloat16, "bfloat16"}, {Precision::float64, "float64"}});
}
constexpr auto names_of(NonFinite) {
  return std::to_array<Named<NonFinite>>(
      {{NonFinite::stop, "stop"}, {NonFinite::skip, "skip"}, {NonFinite::rollback, "rollback"}});
}
constexpr auto names_of(GradientPrecision) {
  return std::to_array<Named<GradientPrecision>>(
      {{GradientPrecision::float32, "float32"}, {GradientPrecision::bfloat16, "bfloat16"}});
}
constexpr auto names_of(Backend) {
  return std::to_array<Named<Backend>>(
      {{Backend::automatic, "auto"}, {Backend::nccl, "nccl"}, {Backend::mpi, "mpi"}, {Backend::single, "single"}});
}
constexpr auto names_of(DeviceKind) {
  return std::to_array<Named<DeviceKind>>(
      {{DeviceKind::automatic, "auto"}, {DeviceKind::cpu, "cpu"}, {DeviceKind::cuda, "cuda"}});
}

constexpr auto names_of(KernelKind) {
  return std::to_array<Named<KernelKind>>({{KernelKind::automatic, "auto"},
                                           {KernelKind::avx512, "avx512"},
                                           {KernelKind::avx2, "avx2"},
                                           {KernelKind::plain, "plain"}});
}

/// The text of `value`. @throws ConfigError for a number that is no enumerator.
template <typename Enum>
std::string_view to_text(Enum value) {
  for (const auto& name : names_of(Enum{})) {
    if (name.value == value) return name.text;
  }
  throw ConfigError("a configuration made by code holds a number that names no choice; assign an enumerator");
}

/// The enumerator of `text`, or nothing.
template <typename Enum>
std::optional<Enum> from_text(std::string_view text) {
  for (const auto& name : names_of(Enum{})) {
    if (name.text == text) return name.value;
  }
  return std::nullopt;
}

}  // namespace causalfm::config
