#include "config/keys.hpp"

#include "config/choice.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace causalfm::config {

namespace {

constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();
constexpr int64_t largest_instrument = std::numeric_limits<int32_t>::max();  // instrument_id is an int32 in shards
constexpr int64_t most_steps = 1'000'000'000;
constexpr double week_seconds = 604'800;
constexpr double year_minutes = 525'600;

using Table = std::vector<Key>;

void add(Table& table, std::string_view name, std::unique_ptr<Setting> setting, std::string_view sentence) {
  table.push_back({name, std::move(setting), sentence});
}

void add_simulation(Table& table, Simulation& simulation) {
  add(table, "simulation.seed", integer(simulation.seed, 0, unlimited),
      "Which universe: every star, instrument, phase and noise sample follows from it.");
  add(table, "simulation.stars", integer(simulation.stars, 1, 1'000'000'000), "Number of stars.");
  add(table, "simulation.instruments", integer(simulation.instruments, 1, 100'000), "Number of instruments.");
  add(table, "simulation.curves_per_star", integer(simulation.curves_per_star, 1, 100'000),
      "Light curves of each star, over all instruments.");
  add(table, "simulation.assignment", choice(simulation.assignment),
      "Which instruments see a star: balanced, every instrument floor(curves_per_star / instruments) times and the "
      "rest drawn without repeats; uniform, independent draws; sparse, a star sees 2 to 6 instruments, as in TESS.");
  add(table, "simulation.stellar_parameters", integer(simulation.stellar_parameters, 2, 4096),
      "K of Eq. 2: theta_0, which sets the period, and the amplitudes of K - 1 harmonics.");
  add(table, "simulation.instrument_terms", integer(simulation.instrument_terms, 1, 4096),
      "M of Eqs. 3 and 4: Fourier terms of an instrument's scale and offset.");
  add(table, "simulation.length", integer(simulation.length, 2, 1'000'000), "T: samples of a light curve.");
  add(table, "simulation.alpha", real(simulation.alpha, from_to(0, 10)),
      "Harmonic k has the amplitude theta_k / k^alpha.");
  add(table, "simulation.lambda", real(simulation.lambda, above_to(0, 1000)),
      "The period of a star is T exp(theta_0) lambda.");
  add(table, "simulation.period_scatter", real(simulation.period_scatter, from_to(0, 10)),
      "Standard deviation of theta_0; every other theta_k has 1.");
  add(table, "simulation.phases", choice(simulation.phases),
      "Whether the harmonics' phases belong to the single observation, as in the paper, or to the star.");
  add(table, "simulation.noise", real(simulation.noise, from_to(0, 1000)),
      "Standard deviation of the noise, added after clipping to [-1, 1].");
}

void add_data(Table& table, Data& data) {
  add(table, "data.path", text_or_null(data.path),
      "Folder of a data set; null: every rank simulates the light curves that it needs.");
  add(table, "data.split_seed", integer(data.split_seed, 0, unlimited),
      "Which stars are for training, validation and test.");
  add(table, "data.validation_stars", real(data.validation_stars, from_below(0, 1)),
      "Share of the stars kept for validation.");
  add(table, "data.test_stars", real(data.test_stars, from_below(0, 1)), "Share of the stars kept for the test.");
  add(table, "data.held_out_instruments", distinct_integers(data.held_out_instruments, 0, largest_instrument),
      "Instruments whose light curves are left out of training and validation and kept in the test.");
  add(table, "data.sampler", choice(data.sampler),
      "What a batch is made of: triplet (anchor, same star by another instrument, same instrument on another star) or "
      "pair (the first two).");
}

void add_model(Table& table, Model& model) {
  add(table, "model.latents", choice(model.latents),
      "dual: one encoder for the star and one for the instrument; single: one for both, the baseline.");
  add(table, "model.encoder", choice(model.encoder), "Architecture of the encoders.");
  add(table, "model.width", integer(model.width, 1, 4096),
      "Features of a sample inside a Conformer; the hidden layers of an MLP have 4 times as many.");
  add(table, "model.heads", integer(model.heads, 1, 256), "Attention heads of a Conformer.");
  add(table, "model.feed_forward", integer(model.feed_forward, 1, 65'536),
      "Hidden width of a Conformer's feed-forward sublayer.");
  add(table, "model.blocks", integer(model.blocks, 1, 64), "Blocks of a Conformer.");
  add(table, "model.block", choice_list(model.block, 16), "Sublayers of a Conformer block, in order.");
  add(table, "model.kernel", odd_integer(model.kernel, 1, 1023),
      "Samples that a Conformer's depthwise convolution spans.");
  add(table, "model.latent", integer(model.latent, 1, 4096), "Numbers of a latent.");
  add(table, "model.observation_latent", integer(model.observation_latent, 0, 4096),
      "Numbers of a third latent, for what belongs to the single observation; 0: none.");
  add(table, "model.spectrum", choice(model.spectrum),
      "amplitudes: the encoders also see the log amplitudes of the zero-padded and of the Hann-windowed Fourier "
      "transform.");
  add(table, "model.dropout", real(model.dropout, from_below(0, 1)),
      "Share of the outputs of a Conformer's sublayers that is dropped in training.");
}

void add_loss(Table& table, Loss& loss) {
  add(table, "loss.temperature", real(loss.temperature, above_to(0, 100)), "tau of InfoNCE in the space of stars.");
  add(table, "loss.instrument_temperature", real(loss.instrument_temperature, above_to(0, 100)),
      "tau of InfoNCE in the space of instruments.");
  add(table, "loss.reconstruction", real(loss.reconstruction, from_to(0, 1'000'000)),
      "Weight of the masked mean squared error; 0: off.");
  add(table, "loss.star", real(loss.star, from_to(0, 1'000'000)), "Weight of InfoNCE in the space of stars; 0: off.");
  add(table, "loss.instrument", real(loss.instrument, from_to(0, 1'000'000)),
      "Weight of InfoNCE in the space of instruments; 0: off.");
  add(table, "loss.anchors", choice(loss.anchors),
      "Which curves of a batch are anchors: the first of each triplet, as in the paper, or all.");
  add(table, "loss.positives_inside_log", boolean(loss.positives_inside_log),
      "Whether the sum over positives stands inside the logarithm, as in the paper, or outside.");
}

void add_train(Table& table, Train& train) {
  add(table, "train.batch_triplets", integer(train.batch_triplets, 1, 1'000'000),
      "Triplets (or pairs) of a step, of the whole job and not of a rank.");
  add(table, "train.micro_batch", integer(train.micro_batch, 0, 1'000'000),
      "Triplets (or pairs) that a rank encodes at once, to bound its memory; every gradient is as without, to "
      "rounding. "
      "0: all of its triplets.");
  add(table, "train.steps", integer(train.steps, 1, most_steps), "Steps after which training ends.");
  add(table, "train.optimizer", choice(train.optimizer), "How gradients become updates.");
  add(table, "train.learning_rate", real(train.learning_rate, above_to(0, 10)), "Largest learning rate.");
  add(table, "train.schedule", choice(train.schedule),
      "What follows the warm-up: a constant rate, or half a cosine down to 0 at the last step.");
  add(table, "train.warmup_steps", integer(train.warmup_steps, 0, most_steps),
      "Steps over which the rate rises linearly from 0; 0: none.");
  add(table, "train.weight_decay", real(train.weight_decay, from_to(0, 10)), "Weight decay; 0: off.");
  add(table, "train.gradient_clip", real(train.gradient_clip, from_to(0, 1'000'000)),
      "Largest norm of all gradients together; 0: off.");
  add(table, "train.precision", choice(train.precision),
      "Numbers that networks and losses compute in. bfloat16: float32, but for what the encoders' matrix products "
      "multiply.");
  add(table, "train.deterministic", boolean(train.deterministic),
      "On a GPU: use only operations that give equal bits in equal runs, some of them slower. On the CPU all do.");
  add(table, "train.non_finite", choice(train.non_finite),
      "What answers to a loss or gradient that is not finite: stop with code 5; skip the update; or rollback to the "
      "last "
      "checkpoint and go on with a lower learning rate.");
  add(table, "train.non_finite_patience", integer(train.non_finite_patience, 1, most_steps),
      "With train.non_finite skip: most steps in a row that are skipped before the run stops.");
  add(table, "train.rollback_rate_factor", real(train.rollback_rate_factor, above_to(0, 1)),
      "With train.non_finite rollback: what each rollback multiplies the learning rate by, from there on.");
  add(table, "train.validate_every", integer(train.validate_every, 1, most_steps), "Steps between validations.");
  add(table, "train.validation_triplets", integer(train.validation_triplets, 1, 1'000'000),
      "Triplets (or pairs) of a validation, the same each time.");
  add(table, "train.collapse_warning", real(train.collapse_warning, from_to(0, 4096)),
      "Effective rank of a space of latents; when it falls below, a warning says that the space collapses; 0: off.");
  add(table, "train.checkpoint_every", integer(train.checkpoint_every, 1, most_steps), "Steps between checkpoints.");
  add(table, "train.keep_checkpoints", integer(train.keep_checkpoints, 1, 1'000'000),
      "Latest checkpoints that are kept, beside the best.");
  add(table, "train.keep_every", integer(train.keep_every, 0, most_steps),
      "Checkpoints of steps that this divides are kept for good; 0: none.");
  add(table, "train.time_limit_minutes", real(train.time_limit_minutes, from_to(0, year_minutes)),
      "After so long a run saves its state and ends with code 75, to be started again; 0: never.");
  add(table, "train.patience", integer(train.patience, 0, most_steps),
      "Validations without a better loss after which training stops; 0: off.");
  add(table, "train.profile_steps", integer(train.profile_steps, 0, 1000),
      "Steps, after the first three, of which profile.md and profile.json in the run's folder tell where their time "
      "goes; "
      "0: off.");
}

void add_comm(Table& table, Comm& comm) {
  add(table, "comm.backend", choice(comm.backend),
      "How ranks exchange tensors; auto: nccl where every rank has a GPU of its own, else mpi under mpirun or srun, "
      "else "
      "single.");
  add(table, "comm.deadline_seconds", real(comm.deadline_seconds, above_to(0, week_seconds)),
      "How long a rank waits for the others before it reports them missing.");
  add(table, "comm.bucket_mib", integer(comm.bucket_mib, 1, 65'536),
      "Largest size of the buckets in which gradients are reduced while others are still computed.");
  add(table, "comm.gradient_precision", choice(comm.gradient_precision),
      "Numbers in which gradients travel between ranks: float32 (as they were computed) or bfloat16 (half the bytes; "
      "their sum is still taken in float32).");
  add(table, "comm.check_calls", boolean(comm.check_calls),
      "Compare the ranks' calls before each exchange, so that calls that do not match are named; slow, for "
      "developers.");
}

void add_runtime(Table& table, Runtime& runtime) {
  add(table, "runtime.device", choice(runtime.device), "Where tensors live; auto: a GPU where there is one.");
  add(table, "runtime.kernels", choice(runtime.kernels),
      "What computes a Conformer's sublayers on the CPU, float64 excepted: kernels of the project's own for an "
      "instruction "
      "set "
      "(auto: the widest that the processor has), or plain, LibTorch's operations, which serve everything else.");
  add(table, "runtime.recompute_blocks", boolean(runtime.recompute_blocks),
      "Keep of a Conformer block its input alone for backward, which computes the block again: a fraction of the "
      "memory "
      "for a third more time, the same numbers (causalfm plan shows both).");
  add(table, "runtime.threads", integer_or_auto(runtime.threads, 1, 4096),
      "Threads of a rank; auto: the cores that it may use, shared with the ranks of its node.");
}

}  // namespace

std::string_view Key::section() const {
  const size_t dot = name.find('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot);
}

std::string_view Key::last_name() const {
  const size_t dot = name.find('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

std::vector<Key> keys_of(Config& config) {
  Table table;
  add(table, "seed", integer(config.seed, 0, unlimited),
      "Initial weights, order of the data, dropout; never the universe nor the split.");
  add_simulation(table, config.simulation);
  add_data(table, config.data);
  add_model(table, config.model);
  add_loss(table, config.loss);
  add_train(table, config.train);
  add_comm(table, config.comm);
  add_runtime(table, config.runtime);
  return table;
}

std::vector<Section> sections() {
  return {
      {"simulation", "The simulated universe: Eqs. 1 to 4 of arXiv 2507.05333."},
      {"data", "Which light curves, in which parts, in which batches."},
      {"model", "The networks."},
      {"loss", "The objective: reconstruction, star and instrument terms, each times its weight."},
      {"train", "How training goes on, and when it stops."},
      {"comm", "How the ranks of a job work together."},
      {"runtime", "What of the machine a rank uses."},
  };
}

const Key* find_key(const std::vector<Key>& keys, std::string_view name) {
  const auto found = std::find_if(keys.begin(), keys.end(), [name](const Key& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

}  // namespace causalfm::config
