#pragma once

/// Registers with Google Benchmark what a step is made of, as NAME/.../WHAT; items are curves unless a name says so.
namespace causalfm::benchmark {

/// sublayer/KIND/tTIME/KERNELS/{embed,forward,backward}: each of a block's sublayers at the paper's width.
void register_sublayers();

/// info_nce/KEYS/{forward,backward} and adam/ENCODER.
void register_updates();

/// sampler, simulator and batches/SOURCE, of the paper's data.
void register_data();

}  // namespace causalfm::benchmark
