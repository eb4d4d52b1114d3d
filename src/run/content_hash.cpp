#include "run/content_hash.hpp"

#include "causalfm/run/tensor_array.hpp"
#include "causalfm/storage/checksum.hpp"

#include <bit>
#include <string_view>

namespace causalfm::run {

namespace {

class Hash {
 public:
  void add(std::string_view text) {
    add_bits(text.size());
    sha256_.update(std::as_bytes(std::span(text)));
  }

  void add(std::string_view name, std::string_view text) {
    add(name);
    add(text);
  }

  void add(std::string_view name, int64_t value) {
    add(name);
    add_bits(static_cast<uint64_t>(value));
  }

  void add(std::string_view name, double value) {
    add(name);
    add_bits(std::bit_cast<uint64_t>(value));
  }

  void add(const std::string& name, const at::Tensor& tensor) {
    const StorableTensor stored = storable(tensor, name);
    add(name, to_string(stored.type));
    for (const int64_t size : stored.tensor.sizes()) {
      add_bits(static_cast<uint64_t>(size));
    }
    sha256_.update({static_cast<const std::byte*>(stored.tensor.const_data_ptr()), stored.tensor.nbytes()});
  }

  std::string finish() { return sha256_.finish_hex(); }

 private:
  void add_bits(uint64_t bits) { sha256_.update(std::as_bytes(std::span(&bits, 1))); }

  storage::Sha256 sha256_;
};

}  // namespace

std::string content_hash(const Checkpoint& checkpoint) {
  Hash hash;
  hash.add("step", checkpoint.step);
  hash.add("best_value", checkpoint.best_value);
  hash.add("best_step", checkpoint.best_step);
  hash.add("validations_without_improvement", checkpoint.validations_without_improvement);
  hash.add("configuration", std::string_view(checkpoint.configuration));
  hash.add("data_identity", std::string_view(checkpoint.data_identity));
  hash.add("split_seed", checkpoint.split_seed);
  hash.add("ranks", checkpoint.ranks);
  hash.add("threads", checkpoint.threads);
  hash.add("instruction_set", std::string_view(checkpoint.instruction_set));
  for (const auto& [name, version] : checkpoint.versions) {
    hash.add("versions/" + name, std::string_view(version));
  }
  for (const auto& [name, number] : checkpoint.numbers) {
    hash.add("numbers/" + name, number);
  }
  for (const auto& [name, tensor] : checkpoint.tensors) {
    hash.add(name, tensor);
  }
  return hash.finish();
}

}  // namespace causalfm::run
