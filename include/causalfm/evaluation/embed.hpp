#pragma once

#include "causalfm/evaluation/host.hpp"

#include <filesystem>
#include <string>

namespace causalfm::evaluation {

struct EmbedRequest {
  std::filesystem::path run;        ///< folder of a run
  std::filesystem::path data;       ///< folder of a data set
  std::filesystem::path out;        ///< HDF5 file to write
  std::string checkpoint = "best";  ///< best, latest, or a checkpoint file
};

/// Writes the latents of every light curve of a data set (docs/evaluation.md lists the file's content). Curves are read
/// and encoded block by block, each rank its share; rank 0 holds the latents, some 250 bytes a curve, and writes.
/// The numbers do not depend on how many ranks there are, to rounding. Collective.
/// @throws EvaluationError when run, checkpoint and data do not fit; and what data, run, storage and comm throw.
void embed(const EmbedRequest& request, const Host& host);

}  // namespace causalfm::evaluation
