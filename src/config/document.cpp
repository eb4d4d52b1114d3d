#include "causalfm/config/document.hpp"

#include "causalfm/config/error.hpp"
#include "config/setting.hpp"
#include "config/text.hpp"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

namespace causalfm::config {

namespace {

constexpr size_t largest_file = 1 << 20;  // a data file given by mistake is refused before it fills the memory
constexpr size_t longest_list = 100;

[[noreturn]] void throw_unreadable(const std::filesystem::path& file, int error) {
  throw ConfigError(file.string() + ": cannot be read (" + std::generic_category().message(error) +
                    "); give the path of a readable YAML file");
}

/// Looks only for where documents start.
class DocumentStart final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { mark_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

  const YAML::Mark& mark() const { return mark_; }

 private:
  YAML::Mark mark_;
};

/// Where a second document starts, if one does. YAML::LoadAll would tell as well, but yaml-cpp takes a stray comma for
/// an empty document without moving past it, and LoadAll then fills the memory.
std::optional<YAML::Mark> second_document(const std::string& yaml) {
  std::istringstream stream(yaml);
  YAML::Parser parser(stream);
  DocumentStart start;
  if (!parser.HandleNextDocument(start) || !parser.HandleNextDocument(start)) return std::nullopt;
  return start.mark();
}

}  // namespace

std::string read_text(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    throw ConfigError(file.string() + ": is a folder; give the path of a YAML file");
  }
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw_unreadable(file, errno);
  std::string text(largest_file + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) throw_unreadable(file, errno);
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > largest_file) {
    throw ConfigError(file.string() + ": is over 1 MiB, too large for a configuration; give the path of a YAML file");
  }
  return text;
}

std::string line_place(std::string_view name, const YAML::Mark& mark) {
  return std::string(name) + ':' + std::to_string(mark.line + 1);
}

YAML::Node single_document(std::string_view yaml, std::string_view place, bool name_lines) {
  const auto place_of = [&](const YAML::Mark& mark) {
    return name_lines && !mark.is_null() ? line_place(place, mark) : std::string(place);
  };
  if (const auto bad = first_bad_byte(yaml)) {
    YAML::Mark mark;
    mark.line = static_cast<int>(std::count(yaml.begin(), yaml.begin() + *bad, '\n'));
    throw ConfigError(place_of(mark) + ": not a text in UTF-8; save it as one, without control characters");
  }
  try {
    const std::string text(yaml);
    const YAML::Node document = YAML::Load(text);
    if (const auto second = second_document(text)) {
      throw ConfigError(place_of(*second) +
                        ": the document ended above and more follows here; write one document only");
    }
    return document;
  } catch (const YAML::Exception& error) {
    throw ConfigError(place_of(error.mark) + ": not valid YAML (" + shown(error.msg) + "); correct the text there");
  }
}

std::string shown(const YAML::Node& value) {
  if (value.IsMap()) return "a map";
  if (value.IsNull() || !value.IsDefined()) return "empty";
  if (value.IsScalar()) return is_plain(value) ? shown(value.Scalar()) : in_quotes(value.Scalar());
  std::string text = "[";
  for (const YAML::Node& element : value) {
    if (text.size() > 1) text += ", ";
    text += element.IsSequence() ? "a list" : shown(element);
    if (text.size() > longest_list) break;
  }
  return shown(text + ']');
}

}  // namespace causalfm::config
