#pragma once

#include "model/kernels/attention.hpp"
#include "model/kernels/cursor.hpp"
#include "model/kernels/norm_rows.hpp"
#include "model/kernels/rows.hpp"

// Scores are kept as [keys, queries] with queries in lanes, so that softmax runs down the columns without a sum over
// lanes and one block of queries fits the first or second cache.
namespace causalfm::model {
namespace {

constexpr int64_t padded_size(int64_t size) { return (size + lanes - 1) / lanes * lanes; }

/// One head's columns of rows `row` apart.
struct HeadRows {
  const float* values;
  int64_t row;
};

/// Queries [first, first + count) of a head. `columns`, a multiple of `lanes`, are computed; those beyond `count` hold
/// zeros at first.
struct QueryBlock {
  int64_t first;
  int64_t count;
  int64_t columns;
};

/// The first `count` lanes.
CAUSALFM_INLINE void store_part(Vector value, int64_t count, float* to) {
  if (count == lanes) return store(value, to);
  for (int64_t lane = 0; lane < count; ++lane) to[lane] = value[lane];
}

/// rows [count, size] -> out [size, query_block], zero in the columns beyond `count`.
inline void to_columns(const QueryBlock& block, int64_t size, HeadRows from, float* out) {
  for (int64_t q = 0; q < block.columns; q += lanes) {
    for (int64_t c = 0; c < size; c += lanes) {
      const int64_t width = smaller(lanes, size - c);
      Vector rows[lanes];
      for (int64_t r = 0; r < lanes; ++r) {
        const float* const row = from.values + (block.first + q + r) * from.row + c;
        rows[r] = q + r >= block.count ? Vector{} : width == lanes ? load(row) : load_part<Vector>(row, width);
      }
      transpose(rows);
      for (int64_t r = 0; r < width; ++r) store(rows[r], out + (c + r) * query_block + q);
    }
  }
}

/// The way back: columns [size, query_block] -> rows `row` apart at `out`.
inline void to_rows(const QueryBlock& block, int64_t size, const float* columns, float* out, int64_t row) {
  for (int64_t q = 0; q < block.columns; q += lanes) {
    for (int64_t c = 0; c < size; c += lanes) {
      const int64_t width = smaller(lanes, size - c);
      Vector values[lanes];
      for (int64_t r = 0; r < lanes; ++r) {
        values[r] = r < width ? load(columns + (c + r) * query_block + q) : Vector{};
      }
      transpose(values);
      for (int64_t r = 0; r < smaller(lanes, block.count - q); ++r) {
        store_part(values[r], width, out + (block.first + q + r) * row + c);
      }
    }
  }
}

/// rows [count, size] -> out [query_block, padded size], zero beyond.
inline void to_padded_rows(const QueryBlock& block, int64_t size, HeadRows from, float* out) {
  const int64_t padded = padded_size(size);
  for (int64_t q = 0; q < block.columns; ++q) {
    for (int64_t c = 0; c < padded; c += lanes) {
      const float* const row = from.values + (block.first + q) * from.row + c;
      const int64_t width = smaller(lanes, size - c);
      store(q >= block.count ? Vector{}
            : width == lanes ? load(row)
                             : load_part<Vector>(row, width),
            out + q * padded + c);
    }
  }
}

/// The first `size` elements of padded rows, to rows `row` apart.
inline void from_padded_rows(int64_t rows, int64_t size, const float* padded_rows, float* out, int64_t row) {
  const int64_t padded = padded_size(size);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < size; c += lanes) {
      store_part(load(padded_rows + r * padded + c), smaller(lanes, size - c), out + r * row + c);
    }
  }
}

/// Where a key's score is -inf nothing is seen of it.
CAUSALFM_INLINE bool hidden(const float* key_scores, int64_t key) {
  return key_scores != nullptr && key_scores[key] < 0.0F;
}

/// scores [time, query_block] -> e^(score - greatest), and per column the greatest and 1 / sum.
inline void softmax(int64_t time, int64_t columns, const float* key_scores, float* scores, float* greatest,
                    float* inverse_sum) {
  for_each_panel(
      columns, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
        Vector most[vectors], sum[vectors];
        for (int64_t v = 0; v < vectors; ++v) {
          most[v] = broadcast(-__builtin_inff());
          sum[v] = Vector{};
        }
        for (int64_t key = 0; key < time; ++key) {
          if (hidden(key_scores, key)) continue;
          for (int64_t v = 0; v < vectors; ++v) {
            most[v] = maximum(load(scores + key * query_block + first + v * lanes), most[v]);
          }
        }
        for (int64_t key = 0; key < time; ++key) {
          float* const row = scores + key * query_block + first;
          if (hidden(key_scores, key)) {
            zero(vectors * lanes, row);
            continue;
          }
          for (int64_t v = 0; v < vectors; ++v) {
            const Vector power = exp(load(row + v * lanes) - most[v]);
            store(power, row + v * lanes);
            sum[v] += power;
          }
        }
        for (int64_t v = 0; v < vectors; ++v) {
          store(most[v], greatest + first + v * lanes);
          store(1.0F / sum[v], inverse_sum + first + v * lanes);
        }
      });
}

struct AttentionRoom {
  AttentionRoom(float* scratch, int64_t time, int64_t width, int64_t heads, bool backward) {
    Cursor room(scratch);
    const int64_t size = width / heads, padded = padded_size(size);
    strip = room.take(strip_steps * width);
    query_key_value = room.take(time * 3 * width);
    mixed = room.take(time * width);
    statistics = room.take(2 * query_block);
    scores = room.take(time * query_block);
    queries = room.take(size * query_block);
    head_output = room.take(size * query_block);
    if (backward) {
      of_scores = room.take(time * query_block);
      of_output = room.take(size * query_block);
      query_rows = room.take(query_block * padded);
      output_rows = room.take(query_block * padded);
      of_keys = room.take(time * padded);
      of_values = room.take(time * padded);
      of_mixed = room.take(time * width);
    }
    used = room.used();
  }

  float *strip, *query_key_value, *mixed, *statistics, *scores, *queries, *head_output;
  float *of_scores = nullptr, *of_output = nullptr, *query_rows = nullptr, *output_rows = nullptr;
  float *of_keys = nullptr, *of_values = nullptr, *of_mixed = nullptr;
  int64_t used;
};

/// Calls visit(block) for every block of queries.
template <class Visit>
CAUSALFM_INLINE void for_each_block(int64_t time, const Visit& visit) {
  for (int64_t first = 0; first < time; first += query_block) {
    const int64_t count = smaller(query_block, time - first);
    visit(QueryBlock{first, count, padded_size(count)});
  }
}

inline void attention_forward(const CurveRun& run, const AttentionWeights& weights, const AttentionSaved& saved,
                              float* scratch, float* out) {
  const int64_t time = run.time, width = run.width, size = width / weights.heads, row = 3 * width;
  const AttentionRoom room(scratch, time, width, weights.heads, false);
  for (int64_t curve = 0; curve < run.curves; ++curve) {
    const int64_t start = curve * time * width;
    float *const projected = room.query_key_value, *const mixed = room.mixed;
    const float* const key_scores = run.key_scores == nullptr ? nullptr : run.key_scores + curve * time;
    for_each_strip(time, [&](int64_t first, int64_t steps) {
      normalise(steps, width, {run.state + start + first * width, width}, weights.norm, {room.strip, width});
      apply(steps, width, row, room.strip, weights.query_key_value, projected + first * row);
    });
    if (saved.mixed != nullptr) keep(time * row, projected, saved.query_key_value + 3 * start);
    for (int64_t head = 0; head < weights.heads; ++head) {
      const float *const query = projected + head * size, *const key = query + width, *const value = key + width;
      const int64_t statistics = (curve * weights.heads + head) * padded_time(time);
      for_each_block(time, [&](const QueryBlock& block) {
        float* const greatest =
            saved.mixed == nullptr ? room.statistics : saved.greatest_score + statistics + block.first;
        float* const inverse_sum =
            saved.mixed == nullptr ? room.statistics + query_block : saved.inverse_sum + statistics + block.first;
        to_columns(block, size, {query, row}, room.queries);
        multiply(time, block.columns, size, {key, row, 1}, {room.queries, query_block}, {room.scores, query_block});
        softmax(time, block.columns, key_scores, room.scores, greatest, inverse_sum);
        multiply(size, block.columns, time, {value, 1, row}, {room.scores, query_block},
                 {room.head_output, query_block});
        for (int64_t c = 0; c < size; ++c) {
          for (int64_t q = 0; q < block.columns; q += lanes) {
            float* const at = room.head_output + c * query_block + q;
            store(load(at) * load(inverse_sum + q), at);
          }
        }
        to_rows(block, size, room.head_output, mixed + head * size, width);
      });
    }
    for_each_strip(time, [&](int64_t first, int64_t steps) {
      const int64_t at = first * width;
      apply(steps, width, width, mixed + at, weights.output, room.strip);
      drop(run, curve, at, steps * width, room.strip, run.state + start + at, out + start + at);
    });
    if (saved.mixed != nullptr) keep(time * width, mixed, saved.mixed + start);
  }
  finish_stores();
}

/// scores -> e^(score - greatest) / sum, and of_scores (of those quotients) -> gradient of the scores.
inline void softmax_backward(int64_t time, const QueryBlock& block, int64_t size, const float* key_scores,
                             const float* greatest, const float* inverse_sum, const AttentionRoom& room) {
  for_each_panel(
      block.columns, [&](int64_t first, auto vectors) __attribute__((always_inline)) {
        Vector mean[vectors], most[vectors], inverse[vectors];
        for (int64_t v = 0; v < vectors; ++v) {
          const int64_t q = first + v * lanes;
          mean[v] = Vector{};
          most[v] = load(greatest + q);
          inverse[v] = load(inverse_sum + q);
          for (int64_t c = 0; c < size; ++c) {
            mean[v] += load(room.head_output + c * query_block + q) * load(room.of_output + c * query_block + q);
          }
        }
        for (int64_t key = 0; key < time; ++key) {
          const int64_t at = key * query_block + first;
          float *const row = room.scores + at, *const of_row = room.of_scores + at;
          if (hidden(key_scores, key)) {
            zero(vectors * lanes, row);
            zero(vectors * lanes, of_row);
            continue;
          }
          for (int64_t v = 0; v < vectors; ++v) {
            const Vector power = exp(load(row + v * lanes) - most[v]) * inverse[v];
            store(power, row + v * lanes);
            store(power * (load(of_row + v * lanes) - mean[v]), of_row + v * lanes);
          }
        }
      });
}

/// One head: from `room.of_mixed` to that head's columns of `of_projected` [time, 3 width].
inline void head_backward(int64_t time, int64_t width, int64_t head, int64_t size, const float* projected,
                          const float* mixed, const float* key_scores, const float* greatest, const float* inverse_sum,
                          const AttentionRoom& room, float* of_projected) {
  const int64_t row = 3 * width, padded = padded_size(size);
  const float *const query = projected + head * size, *const key = query + width, *const value = key + width;
  zero(time * padded, room.of_keys);
  zero(time * padded, room.of_values);
  for_each_block(time, [&](const QueryBlock& block) {
    const HeadRows queries{query, row}, of_outputs{room.of_mixed + head * size, width};
    to_columns(block, size, queries, room.queries);
    to_columns(block, size, {mixed + head * size, width}, room.head_output);
    to_columns(block, size, of_outputs, room.of_output);
    to_padded_rows(block, size, queries, room.query_rows);
    to_padded_rows(block, size, of_outputs, room.output_rows);
    multiply(time, block.columns, size, {key, row, 1}, {room.queries, query_block}, {room.scores, query_block});
    multiply(time, block.columns, size, {value, row, 1}, {room.of_output, query_block}, {room.of_scores, query_block});
    softmax_backward(time, block, size, key_scores, greatest + block.first, inverse_sum + block.first, room);
    multiply(time, padded, block.count, {room.scores, query_block, 1}, {room.output_rows, padded},
             {room.of_values, padded, Start::sum});
    multiply(time, padded, block.count, {room.of_scores, query_block, 1}, {room.query_rows, padded},
             {room.of_keys, padded, Start::sum});
    multiply(size, block.columns, time, {key, 1, row}, {room.of_scores, query_block}, {room.head_output, query_block});
    to_rows(block, size, room.head_output, of_projected + head * size, row);
  });
  from_padded_rows(time, size, room.of_keys, of_projected + width + head * size, row);
  from_padded_rows(time, size, room.of_values, of_projected + 2 * width + head * size, row);
}

inline void attention_backward(const CurveRun& run, const AttentionWeights& weights, const AttentionSaved& saved,
                               const float* gradient, const AttentionGradients& gradients, float* scratch,
                               float* of_state) {
  const int64_t time = run.time, width = run.width, row = 3 * width;
  const AttentionRoom room(scratch, time, width, weights.heads, true);
  for (int64_t curve = 0; curve < run.curves; ++curve) {
    const int64_t start = curve * time * width;
    const float* const mixed = saved.mixed + start;
    for_each_strip(time, [&](int64_t first, int64_t steps) {
      const int64_t at = first * width;
      drop(run, curve, at, steps * width, gradient + start + at, nullptr, room.strip);
      apply_backward(steps, width, width, mixed + at, room.strip, weights.output, gradients.output, room.of_mixed + at);
    });
    for (int64_t head = 0; head < weights.heads; ++head) {
      const int64_t statistics = (curve * weights.heads + head) * padded_time(time);
      head_backward(time, width, head, width / weights.heads, saved.query_key_value + 3 * start, mixed,
                    run.key_scores == nullptr ? nullptr : run.key_scores + curve * time,
                    saved.greatest_score + statistics, saved.inverse_sum + statistics, room, room.query_key_value);
    }
    copy(time * width, gradient + start, of_state + start);
    for_each_strip(time, [&](int64_t first, int64_t steps) {
      const int64_t at = start + first * width;
      float* const of_normal = room.of_mixed;
      normalise(steps, width, {run.state + at, width}, weights.norm, {room.strip, width});
      apply_backward(steps, width, row, room.strip, room.query_key_value + first * row, weights.query_key_value,
                     gradients.query_key_value, of_normal);
      normalise_backward(steps, width, {run.state + at, width}, {of_normal, width}, weights.norm, gradients.norm,
                         {of_state + at, width});
    });
  }
}

constexpr AttentionKernels attention_kernels = {[](int64_t time, int64_t width, int64_t heads, bool backward) {
                                                  return AttentionRoom(nullptr, time, width, heads, backward).used;
                                                },
                                                attention_forward, attention_backward};

}  // namespace
}  // namespace causalfm::model
