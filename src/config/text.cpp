#include "config/text.hpp"

namespace causalfm::config {

namespace {

constexpr size_t longest_shown = 100;

/// The length of the UTF-8 character that `text` begins with; 0 where it begins with none, or with a control character
/// that YAML does not allow.
size_t character_length(std::string_view text) {
  const auto byte = [text](size_t index) { return static_cast<unsigned char>(text[index]); };
  if (byte(0) < 0x80) return byte(0) >= 0x20 || std::string_view("\t\n\r").find(text[0]) != std::string_view::npos;
  const size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < length) return 0;
  for (size_t index = 1; index < length; ++index) {
    if ((byte(index) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (byte(0) == 0xE0 && byte(1) < 0xA0) || (byte(0) == 0xF0 && byte(1) < 0x90);
  const bool surrogate = byte(0) == 0xED && byte(1) > 0x9F;
  const bool beyond = byte(0) == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

std::optional<size_t> first_bad_byte(std::string_view text) {
  for (size_t index = 0; index < text.size();) {
    const size_t length = character_length(text.substr(index));
    if (length == 0) return index;
    index += length;
  }
  return std::nullopt;
}

std::string shown(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    if (result.size() >= longest_shown) return result + "...";
    const size_t length = character_length(text);
    const bool printable = length > 1 || (length == 1 && text[0] >= ' ' && text[0] != 0x7f);
    result += printable ? text.substr(0, length) : "?";
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

std::string in_quotes(std::string_view text) { return '\'' + shown(text) + '\''; }

}  // namespace causalfm::config
