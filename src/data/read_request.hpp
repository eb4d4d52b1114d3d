#pragma once

#include "causalfm/data/error.hpp"
#include "causalfm/data/source.hpp"

#include <algorithm>
#include <span>
#include <string>

namespace causalfm::data {

/// @throws DataError when a row is out of range or a buffer is neither empty nor [rows, T].
inline void check_request(const Source& source, std::span<const int64_t> rows, const CurveBuffers& buffers) {
  for (const int64_t row : rows) {
    if (row < 0 || row >= source.rows()) {
      throw DataError("row " + std::to_string(row) + " was asked of " + source.description().place + ", which has " +
                      std::to_string(source.rows()) + " rows: ask for rows from 0 on below that");
    }
  }
  const size_t samples = rows.size() * static_cast<size_t>(source.length());
  const auto fits = [samples](size_t size) { return size == 0 || size == samples; };
  if (!fits(buffers.flux.size()) || !fits(buffers.time.size()) || !fits(buffers.mask.size())) {
    throw DataError("buffers for " + std::to_string(rows.size()) + " curves of " + source.description().place +
                    " have the wrong size: give " + std::to_string(samples) + " elements, or none");
  }
}

/// Fills [n, T] with one row of T.
template <typename T>
void repeat_rows(std::span<const T> row, std::span<T> buffer) {
  for (size_t begin = 0; begin < buffer.size(); begin += row.size()) {
    std::copy(row.begin(), row.end(), buffer.begin() + static_cast<ptrdiff_t>(begin));
  }
}

}  // namespace causalfm::data
