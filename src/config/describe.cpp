#include "causalfm/config/load.hpp"
#include "config/check.hpp"
#include "config/keys.hpp"

namespace causalfm::config {

namespace {

constexpr std::string_view introduction = R"(# Configuration

Every command that takes a configuration reads one YAML file and any number of `--set key=value`. This page is what
`causalfm config keys` prints; `causalfm config show FILE` prints a file with every default filled in, and
`causalfm config check FILE` says whether it is valid.

    seed: 3
    train:
      batch_triplets: 64
      learning_rate: 1.0e-3

On the command line, after the file:

    mpirun -n 2 causalfm train configs/paper.yaml --set train.steps=100 --set 'model.block=[attention, lstm]'

A key that is left out has its default; an empty file is the defaults. Overrides are read after the file, in order, and
their values are YAML. Reading is strict: an unknown or repeated key, a value of another type or out of range, or
values that do not fit each other end the command with code 2 and a sentence that names the file and line. An integer
is written in decimal digits (`1000`, not `1e3`), a truth value as `true` or `false`; a number may be an integer; `.nan`
and `.inf` are never valid. Anchors and aliases of YAML work, merge keys (`<<`) do not.
)";

void add_table(std::string& page, const std::vector<Key>& keys, std::string_view section) {
  page += "\n| key | type | default | range | meaning |\n|---|---|---|---|---|\n";
  for (const Key& key : keys) {
    if (key.section() != section) continue;
    page += "| `" + std::string(key.name) + "` | " + key.setting->type() + " | `" + key.setting->text() + "` | " +
            key.setting->range() + " | " + std::string(key.sentence) + " |\n";
  }
}

}  // namespace

std::string describe_keys() {
  Config defaults;
  const std::vector<Key> keys = keys_of(defaults);
  std::string page(introduction);
  add_table(page, keys, {});
  for (const Section& section : sections()) {
    page += "\n## " + std::string(section.name) + "\n\n" + std::string(section.sentence) + '\n';
    add_table(page, keys, section.name);
  }
  page += "\n## Between keys\n\n";
  for (const Relation& relation : relations()) {
    page += "- ";
    for (const std::string_view key : relation.keys) {
      page += '`' + std::string(key) + (key == relation.keys.back() ? "`" : "`, ");
    }
    page += ": " + std::string(relation.rule) + ".\n";
  }
  return page;
}

}  // namespace causalfm::config
