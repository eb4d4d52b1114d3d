#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace causalfm::evaluation {

/// How every perceptron of an evaluation is fitted: one setting for all representations and label counts, chosen on
/// validation stars of configs/paper.yaml, on curves and their Fourier amplitudes with nothing trained.
struct PerceptronSettings {
  int64_t hidden = 64;          ///< 128 takes twice the time, gains little and loses where labels are few
  int64_t batch = 256;          ///< rows a step
  double learning_rate = 1e-2;  ///< highest, after 5 % of warm-up, before a cosine to 0; 1e-3 is not done in time
  double weight_decay = 0.03;   ///< AdamW's; ten times more holds curves back at many labels
  double epochs = 16;           ///< 32 gain at most 0.01 in R2, for 1.3 times the time
  int64_t least_steps = 400;    ///< 16 epochs of ten stars are ten steps
  int64_t most_steps = 2000;    ///< what 32,000 rows take
  int64_t looks = 30;           ///< how often the held-out loss is computed
  int64_t patience = 8;         ///< looks without gain after which a network stops; it keeps its best weights
  int64_t folds = 5;            ///< a network is stopped by one fifth of the labelled stars, at least one star
  int64_t networks_times_stars = 1500;  ///< networks averaged: this over the labelled stars, so that each count costs
                                        ///< about alike; where stars are few, one held-out fifth is chance
  int64_t least_networks = 2;
  int64_t most_networks = 10;  ///< each fifth of two partitions is held out once
};

/// One regression or classification to fit. Of `features` nothing but `label_rows` and `query_rows` is ever read.
struct PerceptronFit {
  at::Tensor features;    ///< [rows, inputs] float32, shared by all fits of a representation
  at::Tensor label_rows;  ///< [n] int64, the rows whose target is known
  at::Tensor groups;      ///< [n] int64, the star of each label row: its rows are held out together
  at::Tensor target;      ///< [n] floating: regression; [n] int64 in 0 ... classes-1: classification
  int64_t classes;        ///< 0: regression
  at::Tensor query_rows;  ///< [m] int64, the rows to predict
  uint64_t seed;          ///< of weights, partitions and the order of rows
};

/// Fits perceptrons inputs - hidden - hidden - 1 or classes and returns what each predicts for its query rows: [m]
/// float64 in the target's unit, or [m, classes] float64 probabilities; the mean over its networks. Features and target
/// are standardised by the label rows; a constant target is predicted as that constant or nearly so.
/// Local. Uses the caller's at::get_num_threads() threads, one network on each, the costliest first: give it all fits
/// at once. A fit's result depends on itself alone, bit for bit: not on its company, nor on the number of threads.
/// @throws EvaluationError when shapes or types do not fit, when there are fewer than two labelled stars, or when
/// features or target of a label row are not finite.
std::vector<at::Tensor> fit_perceptrons(std::span<const PerceptronFit> fits, const PerceptronSettings& settings = {});

}  // namespace causalfm::evaluation
