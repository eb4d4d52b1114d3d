#pragma once

#include "causalfm/data/batch.hpp"
#include "causalfm/data/sampler.hpp"
#include "causalfm/data/source.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace causalfm::data {

/// One global step as one rank sees it.
struct LoadedStep {
  int64_t step = 0;
  Batch batch;                        ///< this rank's rows
  GlobalIds global;                   ///< who all rows are
  std::vector<int64_t> rows_of_rank;  ///< in rank order; their sum is the number of global rows
};

/// Reads this rank's slice of a global batch (with rank 0 of 1: all of it). A rank may be left without rows.
/// @throws DataError as Source::read does.
LoadedStep load(const Source& source, const GlobalBatch& global, int64_t rows_per_anchor, int64_t rank,
                int64_t world_size, int64_t step);

struct LoaderOptions {
  int64_t rank = 0;
  int64_t world_size = 1;
  int64_t first_step = 0;
  std::optional<int64_t> end_step = std::nullopt;  ///< prepare no step from here on; none: endless
  int64_t prefetch = 2;                            ///< steps prepared ahead, at least 1
};

/// Prepares the batches of the next steps on a thread of its own. One thread calls next(). Destruction stops the thread
/// at the end of the batch that it is reading and drops what was prepared.
class Loader {
 public:
  /// The source and the sampler are shared with the thread and outlive it.
  /// @throws config::ConfigError when there are more ranks than triplets in a batch.
  Loader(std::shared_ptr<const Source> source, std::shared_ptr<const Sampler> sampler, const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// The next step, first_step first, in order. @throws what the thread threw, now and at every later call;
  /// std::out_of_range past end_step.
  LoadedStep next();

  /// Seconds that next() has waited for the thread so far, over all calls.
  double waited_seconds() const;

 private:
  class Producer;
  std::unique_ptr<Producer> producer_;
};

}  // namespace causalfm::data
