#include "encode.hpp"

#include "causalfm/data/loader.hpp"
#include "causalfm/data/slices.hpp"
#include "causalfm/evaluation/error.hpp"
#include "causalfm/loss/reconstruction.hpp"
#include "trained_model.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <numeric>

namespace causalfm::evaluation {

namespace {

/// Curves that a rank encodes at once: bounds memory, changes no number beyond rounding.
constexpr int64_t chunk_rows = 512;

/// Chunks that a rank encodes between two exchanges.
constexpr int64_t chunks_a_block = 8;

constexpr std::chrono::seconds between_progress_lines{10};

void require_length(const model::CausalModel& model, const data::Source& source, const std::string& name) {
  if (source.length() != model.scale().length) {
    throw EvaluationError(
        fmt::format("{} was trained on curves of {} samples, those of {} have {}: name data of that "
                    "length, or a run that was trained on such data",
                    name, model.scale().length, source.description().place, source.length()));
  }
}

/// One chunk as a table of float32: latents side by side, the reconstruction error last.
at::Tensor encode_chunk(const model::CausalModel& model, const data::Source& source, std::span<const int64_t> rows,
                        c10::Device device) {
  const model::Curves curves = read_curves(source, rows, dtype_of(model), device);
  const model::Outputs outputs = model.forward(curves);
  std::vector<at::Tensor> columns;
  for (const at::Tensor& latent : {outputs.z_star, outputs.z_instrument, outputs.z_observation}) {
    if (latent.defined()) columns.push_back(latent);
  }
  columns.push_back(loss::curve_errors(outputs.reconstructed, curves.flux, curves.mask).unsqueeze(1));
  return at::cat(columns, 1).to(at::kFloat);
}

/// Says how far the encoding is, now and then.
class Progress {
 public:
  Progress(int64_t rows, std::string name, spdlog::logger& log) : rows_(rows), name_(std::move(name)), log_(log) {}

  void done(int64_t rows) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_line_ < between_progress_lines || rows >= rows_) return;
    last_line_ = now;
    const double rate = static_cast<double>(rows) / std::chrono::duration<double>(now - start_).count();
    log_.info("{}: {} of {} curves encoded, {:.0f} curves/s, {:.0f} s left", name_, rows, rows_, rate,
              static_cast<double>(rows_ - rows) / rate);
  }

 private:
  int64_t rows_;
  std::string name_;
  spdlog::logger& log_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_line_ = start_;
};

Latents split_columns(const at::Tensor& table, const model::Outputs& shape) {
  int64_t column = 0;
  const auto take = [&](const at::Tensor& like) {
    if (!like.defined()) return at::Tensor();
    const int64_t width = like.size(1);
    column += width;
    return table.narrow(1, column - width, width).contiguous();
  };
  Latents latents;
  latents.z_star = take(shape.z_star);
  latents.z_instrument = take(shape.z_instrument);
  latents.z_observation = take(shape.z_observation);
  latents.reconstruction_error = table.select(1, column).contiguous();
  return latents;
}

}  // namespace

std::vector<int64_t> all_rows(const data::Source& source) {
  std::vector<int64_t> rows(static_cast<size_t>(source.rows()));
  std::iota(rows.begin(), rows.end(), int64_t{0});
  return rows;
}

model::Curves read_curves(const data::Source& source, std::span<const int64_t> rows, at::ScalarType dtype,
                          c10::Device device) {
  const data::GlobalBatch wanted{{rows.begin(), rows.end()}, std::vector(rows.size(), data::Role::anchor)};
  const data::Batch batch =
      data::load(source, wanted, /*rows_per_anchor=*/1, /*rank=*/0, /*world_size=*/1, /*step=*/0).batch;
  return {batch.flux.to(device, dtype), batch.time.to(device, dtype),
          batch.mask.defined() ? batch.mask.to(device) : at::Tensor()};
}

Latents encode_rows(const model::CausalModel& model, const data::Source& source, std::span<const int64_t> rows,
                    const std::string& name, const Host& host) {
  require_length(model, source, name);
  const at::NoGradGuard no_grad;
  const auto count = static_cast<int64_t>(rows.size());
  const int64_t ranks = host.communicator.world_size();
  const int64_t rank = host.communicator.rank();
  const model::Outputs shape = model.encode(read_curves(source, rows.first(1), dtype_of(model), host.device));
  int64_t width = 1;
  for (const at::Tensor& latent : {shape.z_star, shape.z_instrument, shape.z_observation}) {
    if (latent.defined()) width += latent.size(1);
  }
  const at::Tensor table = at::empty({rank == 0 ? count : 0, width}, at::kFloat);
  Progress progress(count, name, host.log);

  const int64_t block = chunk_rows * chunks_a_block * ranks;
  for (int64_t first = 0; first < count; first += block) {
    const int64_t in_block = std::min(block, count - first);
    const std::vector<int64_t> rows_of_rank = data::rows_of_rank(in_block, 1, ranks);
    const int64_t begin = first + std::accumulate(rows_of_rank.begin(), rows_of_rank.begin() + rank, int64_t{0});
    const int64_t end = begin + rows_of_rank[static_cast<size_t>(rank)];
    const at::Tensor mine = at::empty({end - begin, width}, table.options().device(host.device));
    for (int64_t row = begin; row < end; row += chunk_rows) {
      const int64_t in_chunk = std::min(chunk_rows, end - row);
      mine.narrow(0, row - begin, in_chunk)
          .copy_(encode_chunk(model, source, rows.subspan(static_cast<size_t>(row), static_cast<size_t>(in_chunk)),
                              host.device));
    }
    const at::Tensor gathered = at::empty({in_block, width}, mine.options());
    host.communicator.all_gather(mine, gathered, rows_of_rank).wait();
    if (rank == 0) {
      table.narrow(0, first, in_block).copy_(gathered);
      progress.done(first + in_block);
    }
  }
  return rank == 0 ? split_columns(table, shape) : Latents{};
}

}  // namespace causalfm::evaluation
