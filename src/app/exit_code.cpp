#include "app/exit_code.hpp"

#include "causalfm/comm/error.hpp"
#include "causalfm/config/error.hpp"
#include "causalfm/data/error.hpp"
#include "causalfm/evaluation/error.hpp"
#include "causalfm/loss/error.hpp"
#include "causalfm/model/error.hpp"
#include "causalfm/run/error.hpp"
#include "causalfm/storage/error.hpp"
#include "causalfm/sweep/error.hpp"
#include "causalfm/training/error.hpp"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <filesystem>
#include <new>
#include <regex>
#include <string>

namespace causalfm::app {

namespace {

constexpr const char* unknown_amount = "an unknown amount";

/// LibTorch tells a failed allocation only in its message: "... you tried to allocate 123 bytes ..." or, on a GPU,
/// "Tried to allocate 20.00 MiB".
std::string asked_for(const std::string& message) {
  static const std::regex size("ried to allocate ([0-9.]+ [A-Za-z]+)");
  std::smatch found;
  return std::regex_search(message, found, size) ? found[1].str() : unknown_amount;
}

}  // namespace

std::optional<std::string> memory_asked_for(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return unknown_amount;
  const auto* libtorch = dynamic_cast<const c10::Error*>(&error);
  if (libtorch == nullptr) return std::nullopt;
  const std::string message = libtorch->what_without_backtrace();
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr || message.find("alloc") != std::string::npos) {
    return asked_for(message);
  }
  return std::nullopt;
}

Failure describe_failure(const std::exception& error) {
  const auto is = [&]<typename... Type>() { return ((dynamic_cast<const Type*>(&error) != nullptr) || ...); };
  if (is.operator()<config::ConfigError, evaluation::EvaluationError, run::RunError, sweep::SweepError,
                    training::TrainingError>()) {
    return {ExitCode::usage, error.what()};
  }
  if (is.operator()<data::DataError>()) return {ExitCode::data, error.what()};
  if (const auto* peer = dynamic_cast<const comm::PeerFailure*>(&error)) {
    return {static_cast<ExitCode>(peer->cause().exit_code), error.what()};
  }
  if (is.operator()<comm::CommunicationError>()) return {ExitCode::communication, error.what()};
  if (is.operator()<training::NumericsError>()) return {ExitCode::numerics, error.what()};
  if (is.operator()<storage::StorageError, std::filesystem::filesystem_error>()) {
    return {ExitCode::storage, error.what()};
  }
  if (is.operator()<OutOfMemory>()) return {ExitCode::out_of_memory, error.what()};
  if (const auto asked = memory_asked_for(error)) {
    return {ExitCode::out_of_memory,
            fmt::format("out of memory: {} was asked for; set or lower train.micro_batch, lower "
                        "train.validation_triplets, or give each rank more memory",
                        *asked)};
  }
  if (const auto* libtorch = dynamic_cast<const c10::Error*>(&error)) {
    const std::string message = libtorch->what_without_backtrace();
    return {ExitCode::defect,
            fmt::format("a defect of causalfm or LibTorch: {}; please report it with the configuration",
                        message.substr(0, message.find('\n')))};
  }
  return {ExitCode::defect,
          fmt::format("a defect of causalfm: {}; please report it with the configuration", error.what())};
}

}  // namespace causalfm::app
