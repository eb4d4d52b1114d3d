#pragma once

#include "model/kernels/cursor.hpp"
#include "model/kernels/lstm.hpp"
#include "model/kernels/norm_rows.hpp"
#include "model/kernels/rows.hpp"

namespace causalfm::model {
namespace {

/// Steps whose weight gradients are computed at once.
constexpr int64_t lstm_chunk = 8;

struct LstmRoom {
  LstmRoom(float* scratch, int64_t time, int64_t width, bool backward) {
    Cursor room(scratch);
    const int64_t rows = group_curves;
    inputs = room.take((backward ? lstm_chunk : 2) * rows * 2 * width);
    cells = room.take(rows * width);
    sums = room.take(rows * 4 * width);
    outputs = room.take(rows * time * width);
    if (backward) {
      of_gates = room.take(lstm_chunk * rows * 4 * width);
      of_inputs = room.take(rows * 2 * width);
    }
    used = room.used();
  }

  float* inputs;   ///< [steps, rows, 2 width]: what the gates of a step see, input and hidden state
  float* cells;    ///< [rows, width]; in backward their gradients
  float* sums;     ///< [rows, 4 width]: of the gates
  float* outputs;  ///< [rows, time, width]; in backward their gradients
  float* of_gates = nullptr;
  float* of_inputs = nullptr;
  int64_t used;
};

/// Zeros in the rows of those curves that are masked at `step`.
inline void zero_masked(const CurveRun& run, int64_t step, MutableRows rows) {
  for (int64_t curve = 0; run.observed != nullptr && curve < run.curves; ++curve) {
    if (run.observed[curve * run.time + step] == 0.0F) zero(run.width, rows.values + curve * rows.row);
  }
}

/// The normalised state at `step` of each curve, zero where masked, into rows 2 width apart.
inline void lstm_inputs(const CurveRun& run, Norm norm, int64_t step, float* inputs) {
  const int64_t width = run.width;
  const MutableRows rows{inputs, 2 * width};
  normalise(run.curves, width, {run.state + step * width, run.time * width}, norm, rows);
  zero_masked(run, step, rows);
}

/// A vector of units of one curve.
struct Unit {
  Vector input;
  Vector forget;
  Vector candidate;
  Vector output;
};

CAUSALFM_INLINE Unit load_unit(const float* gates) {
  return {load(gates), load(gates + lanes), load(gates + 2 * lanes), load(gates + 3 * lanes)};
}

/// Hands each vector of a unit to `put` with its place, store or store_past_caches.
template <class Put>
CAUSALFM_INLINE void put_unit(const Unit& unit, float* gates, const Put& put) {
  put(unit.input, gates);
  put(unit.forget, gates + lanes);
  put(unit.candidate, gates + 2 * lanes);
  put(unit.output, gates + 3 * lanes);
}

/// One step of all curves, whose hidden states go into `next_inputs`.
inline void lstm_units(const CurveRun& run, int64_t step, const LstmSaved& saved, const LstmRoom& room,
                       float* next_inputs) {
  const int64_t width = run.width;
  for (int64_t curve = 0; curve < run.curves; ++curve) {
    const int64_t row = step * run.curves + curve;
    for (int64_t first = 0; first < width; first += lanes) {
      const Unit sums = load_unit(room.sums + curve * 4 * width + 4 * first);
      const Unit unit{sigmoid(sums.input), sigmoid(sums.forget), tanh(sums.candidate), sigmoid(sums.output)};
      float* const cell = room.cells + curve * width + first;
      const Vector next = unit.forget * load(cell) + unit.input * unit.candidate;
      const Vector output = unit.output * tanh(next);
      store(next, cell);
      store(output, next_inputs + curve * 2 * width + width + first);
      store(output, room.outputs + (curve * run.time + step) * width + first);
      if (saved.gates != nullptr) {
        put_unit(unit, saved.gates + row * 4 * width + first * 4, store_past_caches);
        store_past_caches(next, saved.cells + row * width + first);
      }
    }
  }
}

inline void lstm_forward(const CurveRun& run, const LstmWeights& weights, const LstmSaved& saved, float* scratch,
                         float* out) {
  const int64_t width = run.width, step_size = group_curves * 2 * width;
  const LstmRoom room(scratch, run.time, width, false);
  zero(2 * step_size, room.inputs);
  zero(group_curves * width, room.cells);
  for (int64_t step = 0; step < run.time; ++step) {
    float *const inputs = room.inputs + step % 2 * step_size, *const next = room.inputs + (step + 1) % 2 * step_size;
    lstm_inputs(run, weights.norm, step, inputs);
    apply(run.curves, 2 * width, 4 * width, inputs, weights.gates, room.sums);
    lstm_units(run, step, saved, room, next);
  }
  const int64_t curve_size = run.time * width;
  for (int64_t curve = 0; curve < run.curves; ++curve) {
    const int64_t at = curve * curve_size;
    drop(run, curve, 0, curve_size, room.outputs + at, run.state + at, out + at);
  }
  finish_stores();
}

/// The gradients of one step's gates, from those of the hidden state (of_inputs, right half, plus of_outputs) and of
/// the cells, which become those of the step before.
inline void lstm_units_backward(const CurveRun& run, int64_t step, const LstmSaved& saved, const LstmRoom& room,
                                float* of_gates) {
  const int64_t width = run.width;
  for (int64_t curve = 0; curve < run.curves; ++curve) {
    const int64_t row = step * run.curves + curve;
    for (int64_t first = 0; first < width; first += lanes) {
      const Unit unit = load_unit(saved.gates + row * 4 * width + first * 4);
      const Vector grown = tanh(load(saved.cells + row * width + first));
      const Vector before = step == 0 ? Vector{} : load(saved.cells + (row - run.curves) * width + first);
      float* const of_cell = room.cells + curve * width + first;
      const Vector of_hidden = load(room.of_inputs + curve * 2 * width + width + first) +
                               load(room.outputs + (curve * run.time + step) * width + first);
      const Vector change = load(of_cell) + of_hidden * unit.output * (1.0F - grown * grown);
      put_unit({change * unit.candidate * unit.input * (1.0F - unit.input),
                change * before * unit.forget * (1.0F - unit.forget),
                change * unit.input * (1.0F - unit.candidate * unit.candidate),
                of_hidden * grown * unit.output * (1.0F - unit.output)},
               of_gates + curve * 4 * width + first * 4, store);
      store(change * unit.forget, of_cell);
    }
  }
}

/// The hidden state that `step` saw, into the right halves of its inputs.
inline void lstm_hidden_before(const CurveRun& run, int64_t step, const LstmSaved& saved, float* inputs) {
  const int64_t width = run.width;
  for (int64_t curve = 0; curve < run.curves; ++curve) {
    const int64_t row = (step - 1) * run.curves + curve;
    for (int64_t first = 0; first < width; first += lanes) {
      const Vector hidden = step == 0 ? Vector{}
                                      : load(saved.gates + row * 4 * width + first * 4 + 3 * lanes) *
                                            tanh(load(saved.cells + row * width + first));
      store(hidden, inputs + curve * 2 * width + width + first);
    }
  }
}

/// Adds to the gradients of the states at `step`, from those of the inputs (left halves).
inline void lstm_norm_backward(const CurveRun& run, int64_t step, Norm norm, float* of_inputs, NormGradient of_norm,
                               float* of_state) {
  const int64_t width = run.width, curve_size = run.time * width;
  const MutableRows gradient{of_inputs, 2 * width};
  zero_masked(run, step, gradient);
  normalise_backward(run.curves, width, {run.state + step * width, curve_size}, {gradient.values, gradient.row}, norm,
                     of_norm, {of_state + step * width, curve_size});
}

inline void lstm_backward(const CurveRun& run, const LstmWeights& weights, const LstmSaved& saved,
                          const float* gradient, const LstmGradients& gradients, float* scratch, float* of_state) {
  const int64_t width = run.width, curves = run.curves, curve_size = run.time * width;
  const LstmRoom room(scratch, run.time, width, true);
  for (int64_t curve = 0; curve < curves; ++curve) {
    const int64_t at = curve * curve_size;
    drop(run, curve, 0, curve_size, gradient + at, nullptr, room.outputs + at);
    copy(curve_size, gradient + at, of_state + at);
  }
  zero(group_curves * width, room.cells);
  zero(group_curves * 2 * width, room.of_inputs);
  int64_t waiting = 0;  // steps whose weight gradients are yet to be added
  for (int64_t step = run.time - 1; step >= 0; --step) {
    float* const of_gates = room.of_gates + waiting * curves * 4 * width;
    float* const inputs = room.inputs + waiting * curves * 2 * width;
    lstm_units_backward(run, step, saved, room, of_gates);
    multiply(curves, 2 * width, 4 * width, {of_gates, 4 * width, 1}, right_of_gradient(weights.gates, 2 * width),
             {room.of_inputs, 2 * width});
    lstm_inputs(run, weights.norm, step, inputs);
    lstm_hidden_before(run, step, saved, inputs);
    lstm_norm_backward(run, step, weights.norm, room.of_inputs, gradients.norm, of_state);
    if (++waiting == lstm_chunk || step == 0) {
      multiply(4 * width, 2 * width, waiting * curves, {room.of_gates, 1, 4 * width}, {room.inputs, 2 * width},
               {gradients.gates.weight, 2 * width, Start::sum});
      add_rows(waiting * curves, 4 * width, room.of_gates, gradients.gates.bias);
      waiting = 0;
    }
  }
}

constexpr LstmKernels lstm_kernels = {
    [](int64_t time, int64_t width, bool backward) { return LstmRoom(nullptr, time, width, backward).used; },
    lstm_forward, lstm_backward};

}  // namespace
}  // namespace causalfm::model
