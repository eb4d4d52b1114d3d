#pragma once

#include "causalfm/config/config.hpp"
#include "causalfm/data/loader.hpp"
#include "causalfm/model/model.hpp"
#include "causalfm/training/gradient_reduction.hpp"
#include "training/profile.hpp"

#include <cstdint>
#include <vector>

namespace causalfm::training {

/// Pieces of this rank's rows, of train.micro_batch triplets at most and as even as possible: the last, during which
/// gradients are reduced, is then not much smaller than the others.
std::vector<int64_t> rows_of_pieces(const data::LoadedStep& loaded, const config::Train& settings);

/// Rows `first` ... `first + rows - 1` of the curves.
model::Curves rows_of(const model::Curves& curves, int64_t first, int64_t rows);

/// A rank's curves of one step as the networks see them in training: piece after piece, so that the memory that
/// backward needs is a piece's and not the batch's. With several pieces each is encoded twice, first without graph and
/// then, once the gradient at the outputs is known, with it (Gao et al. 2021, arXiv 2101.06983): rows do not know one
/// another and dropout is a function of the row, so gradients are those of the whole batch, to rounding.
class MicroBatches {
 public:
  /// @param rows_of_piece contiguous runs of the curves; at least one, none empty. `model` and `profile` outlive it.
  MicroBatches(const model::CausalModel& model, model::Curves curves, const model::DropoutKey& dropout,
               std::vector<int64_t> rows_of_piece, Profile* profile = nullptr);

  /// What the networks make of all rows, without graph. Once, before backward(). Local.
  model::Outputs forward();

  /// Accumulates the gradients of the parameters, given those at the projections and the reconstruction of all rows
  /// (undefined: zero), and reduces them over ranks while the last piece is back-propagated. Ranks may have different
  /// numbers of pieces. Collective through `reduction` only.
  void backward(const model::Outputs& gradients, GradientReduction& reduction);

 private:
  model::Outputs encode(int64_t first, int64_t rows) const;

  const model::CausalModel& model_;
  model::Curves curves_;
  model::DropoutKey dropout_;
  std::vector<int64_t> rows_of_piece_;
  Profile* profile_;
  model::Outputs only_piece_;  ///< with graph, between forward() and backward(); undefined for several pieces
};

}  // namespace causalfm::training
