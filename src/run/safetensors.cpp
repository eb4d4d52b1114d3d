#include "causalfm/run/safetensors.hpp"

#include "causalfm/run/json_text.hpp"
#include "causalfm/run/tensor_array.hpp"
#include "causalfm/storage/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <string>

namespace causalfm::run {

namespace {

using nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian, as tensors in memory here");

constexpr std::size_t length_bytes = 8;  // of the number before the header
constexpr std::size_t alignment = 8;     // of the data, so that the widest elements can be mapped

struct Stored {
  const std::string* name;
  StorableTensor content;
};

const char* name_of(storage::ElementType type) {
  switch (type) {
    case storage::ElementType::float32:
      return "F32";
    case storage::ElementType::float64:
      return "F64";
    case storage::ElementType::int32:
      return "I32";
    case storage::ElementType::int64:
      return "I64";
    case storage::ElementType::uint8:
      return "U8";
  }
  throw storage::StorageError("an element type that does not exist: a defect of the caller");
}

/// Wide elements first: the format allows no holes, so this order alone aligns every tensor.
std::vector<Stored> select(const Checkpoint& checkpoint, Selection selection) {
  std::vector<Stored> chosen;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    if (selection == Selection::everything || name.starts_with(weights_prefix)) {
      chosen.push_back({&name, storable(tensor, name)});
    }
  }
  std::ranges::stable_sort(chosen, std::ranges::greater{},
                           [](const Stored& stored) { return storage::element_size(stored.content.type); });
  return chosen;
}

/// As to_text, but without the quotes around what is not finite: the value of a text already.
std::string number_text(double number) {
  std::string text = to_text(number);
  std::erase(text, '"');
  return text;
}

ordered_json metadata(const Checkpoint& checkpoint) {
  return {{"format", checkpoint_format},
          {"version", std::to_string(checkpoint_version)},
          {"step", std::to_string(checkpoint.step)},
          {"best_value", number_text(checkpoint.best_value)},
          {"best_step", std::to_string(checkpoint.best_step)},
          {"validations_without_improvement", std::to_string(checkpoint.validations_without_improvement)},
          {"configuration", checkpoint.configuration},
          {"data_identity", checkpoint.data_identity},
          {"split_seed", std::to_string(checkpoint.split_seed)},
          {"ranks", std::to_string(checkpoint.ranks)},
          {"threads", std::to_string(checkpoint.threads)},
          {"instruction_set", checkpoint.instruction_set},
          {"versions", to_text(checkpoint.versions)},
          {"numbers", to_text(checkpoint.numbers)}};
}

}  // namespace

std::vector<std::byte> encode_safetensors(const Checkpoint& checkpoint, Selection selection) {
  const std::vector<Stored> tensors = select(checkpoint, selection);
  ordered_json header{{"__metadata__", metadata(checkpoint)}};
  std::size_t end = 0;
  for (const auto& [name, content] : tensors) {
    const std::size_t begin = end;
    end += content.tensor.nbytes();
    header[*name] = {
        {"dtype", name_of(content.type)}, {"shape", content.tensor.sizes().vec()}, {"data_offsets", {begin, end}}};
  }
  std::string text = to_text(std::move(header));
  text.append((alignment - text.size() % alignment) % alignment, ' ');

  const uint64_t length = text.size();
  std::vector<std::byte> bytes(length_bytes + text.size() + end);
  std::byte* place = bytes.data();
  const auto append = [&place](const void* content, std::size_t size) {
    if (size > 0) std::memcpy(place, content, size);
    place += size;
  };
  append(&length, length_bytes);
  append(text.data(), text.size());
  for (const Stored& stored : tensors) append(stored.content.tensor.const_data_ptr(), stored.content.tensor.nbytes());
  return bytes;
}

}  // namespace causalfm::run
