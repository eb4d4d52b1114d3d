#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace causalfm::storage {

/// SHA-256 of bytes that come in pieces (OpenSSL's EVP). One object belongs to one thread at a time.
/// @throws StorageError if OpenSSL refuses (a build without SHA-256).
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);

  /// 64 lower-case hexadecimal digits of everything so far; the object then starts anew.
  std::string finish_hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Sha256 of one piece; what `sha256sum` prints.
std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace causalfm::storage
