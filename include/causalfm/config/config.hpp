#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// Everything a user may ask for, typed. A default is written here and nowhere else; ranges and one sentence a key
/// stand in src/config/keys.cpp. docs/configuration.md is printed from both.
namespace causalfm::config {

enum class Assignment { balanced, uniform, sparse };
enum class Phases { observation, star };
enum class SamplerKind { triplet, pair };
enum class Latents { dual, single };
enum class EncoderKind { conformer, mlp };
enum class Spectrum { none, amplitudes };
enum class Sublayer { attention, lstm, convolution, feed_forward };
enum class Anchors { first, all };
enum class Schedule { constant, cosine };
enum class OptimizerKind { adam };
enum class Precision { float32, bfloat16, float64 };
enum class NonFinite { stop, skip, rollback };
enum class GradientPrecision { float32, bfloat16 };
enum class Backend { automatic, nccl, mpi, single };
enum class DeviceKind { automatic, cpu, cuda };
enum class KernelKind { automatic, avx512, avx2, plain };

/// The simulated universe: paper, Eqs. 1-4. Two equal sections describe equal bits.
struct Simulation {
  int64_t seed = 1;
  int64_t stars = 2000;
  int64_t instruments = 17;
  int64_t curves_per_star = 20;
  Assignment assignment = Assignment::balanced;
  int64_t stellar_parameters = 13;  ///< K: theta_0 (period) and the amplitudes of K-1 harmonics
  int64_t instrument_terms = 17;    ///< M of Eqs. 3-4, independent of the number of instruments
  int64_t length = 100;             ///< T, steps
  double alpha = 1.0;               ///< harmonic k has amplitude theta_k / k^alpha
  double lambda = 0.5;              ///< L_s = T exp(theta_0) lambda
  double period_scatter = 0.3;      ///< theta_0 ~ N(0, period_scatter)
  Phases phases = Phases::observation;
  double noise = 0.03;

  bool operator==(const Simulation&) const = default;
};

struct Data {
  std::optional<std::string> path;  ///< folder of shards; none: every rank simulates
  int64_t split_seed = 1;
  double validation_stars = 0.1;
  double test_stars = 0.1;
  std::vector<int64_t> held_out_instruments;
  SamplerKind sampler = SamplerKind::triplet;

  bool operator==(const Data&) const = default;
};

struct Model {
  Latents latents = Latents::dual;
  EncoderKind encoder = EncoderKind::conformer;
  int64_t width = 64;
  int64_t heads = 4;
  int64_t feed_forward = 128;
  int64_t blocks = 4;
  std::vector<Sublayer> block = {Sublayer::attention, Sublayer::lstm, Sublayer::convolution, Sublayer::feed_forward};
  int64_t kernel = 31;
  int64_t latent = 20;
  int64_t observation_latent = 0;
  Spectrum spectrum = Spectrum::none;
  double dropout = 0.1;

  bool operator==(const Model&) const = default;
};

struct Loss {
  double temperature = 0.5;
  double instrument_temperature = 0.1;
  double reconstruction = 1.0;
  double star = 1.0;
  double instrument = 1.0;
  Anchors anchors = Anchors::first;
  bool positives_inside_log = true;

  bool operator==(const Loss&) const = default;
};

struct Train {
  int64_t batch_triplets = 256;  ///< of the whole job, not of a rank
  int64_t micro_batch = 0;       ///< triplets that a rank encodes at once; 0 = all of its triplets
  int64_t steps = 10000;
  OptimizerKind optimizer = OptimizerKind::adam;
  double learning_rate = 1.0e-3;
  Schedule schedule = Schedule::constant;
  int64_t warmup_steps = 0;
  double weight_decay = 0.0;   ///< 0 = off
  double gradient_clip = 0.0;  ///< largest global norm; 0 = off
  Precision precision = Precision::float32;
  bool deterministic = false;  ///< on CUDA: equal runs give equal bits
  NonFinite non_finite = NonFinite::stop;
  int64_t non_finite_patience = 3;
  double rollback_rate_factor = 0.5;
  int64_t validate_every = 200;
  int64_t validation_triplets = 2048;
  double collapse_warning = 2.0;  ///< effective rank of a space; 0 = off
  int64_t checkpoint_every = 500;
  int64_t keep_checkpoints = 3;
  int64_t keep_every = 0;           ///< steps; checkpoints of their multiples stay; 0 = off
  double time_limit_minutes = 0.0;  ///< of one process; 0 = off
  int64_t patience = 10;            ///< validations without a better loss before stopping; 0 = off
  int64_t profile_steps = 0;        ///< 0 = off

  bool operator==(const Train&) const = default;
};

struct Comm {
  Backend backend = Backend::automatic;
  double deadline_seconds = 300.0;
  int64_t bucket_mib = 4;
  GradientPrecision gradient_precision = GradientPrecision::float32;
  bool check_calls = false;

  bool operator==(const Comm&) const = default;
};

struct Runtime {
  DeviceKind device = DeviceKind::automatic;
  KernelKind kernels = KernelKind::automatic;
  bool recompute_blocks = false;
  std::optional<int64_t> threads;  ///< none: the cores that this rank may use, shared with the ranks of its node

  bool operator==(const Runtime&) const = default;
};

struct Config {
  int64_t seed = 7;  ///< initialisation, order, dropout; never the universe nor the split
  Simulation simulation;
  Data data;
  Model model;
  Loss loss;
  Train train;
  Comm comm;
  Runtime runtime;

  bool operator==(const Config&) const = default;
};

}  // namespace causalfm::config
