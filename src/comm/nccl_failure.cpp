#include "nccl_failure.hpp"

#include "causalfm/comm/error.hpp"

#include <sstream>

namespace causalfm::comm {
namespace {

std::string missing_ranks(const NcclWait& wait, const Options& options) {
  return options.monitor && wait.call ? options.monitor->missing(*wait.call) : std::string();
}

}  // namespace

std::exception_ptr nccl_failure(const NcclApi& api, ncclResult_t result, const NcclWait& wait, const Options& options) {
  // The text is NCCL's last of this process, whatever communicator is passed.
  const char* details = api.get_last_error(nullptr);
  std::string sentence = wait.place + " failed in NCCL: " + api.get_error_string(result);
  if (details != nullptr && *details != '\0') sentence.append(" (").append(details).append(")");
  const std::string missing = missing_ranks(wait, options);
  if (!missing.empty()) sentence.append("; ").append(missing);
  return std::make_exception_ptr(CommunicationError(
      sentence + "; look for the first error in the other ranks' output, or run again with NCCL_DEBUG=INFO"));
}

std::exception_ptr deadline_failure(const NcclWait& wait, const Options& options) {
  const std::string missing = missing_ranks(wait, options);
  std::ostringstream text;
  text << wait.place << " did not end within " << options.deadline.count()
       << " s: " << (missing.empty() ? "a rank is gone, hangs or made other calls" : missing)
       << "; look for the first error in the other ranks' output, or raise comm.deadline_seconds if a rank may take "
          "longer";
  return std::make_exception_ptr(CommunicationError(text.str()));
}

}  // namespace causalfm::comm
