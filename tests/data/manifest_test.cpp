#include "causalfm/data/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "causalfm/data/error.hpp"
#include "causalfm/storage/checksum.hpp"
#include "storage/temporary_folder.hpp"

namespace causalfm::data {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

Manifest example() {
  Manifest manifest;
  manifest.identity = "abc";
  manifest.rows = 5;
  manifest.length = 100;
  manifest.stars = 3;
  manifest.catalogue = "a \"catalogue\" of \xC3\xA9toiles";
  manifest.time_system = "BTJD";
  manifest.flux_unit = "relative";
  manifest.instruments = {{0, "camera 1", "{\"camera\":1,\"ccd\":2}", 3}, {1, "camera 2", "{}", 2}};
  manifest.shards = {{"shard-00000.h5", 4, std::string(64, 'a')}, {"shard-00001.h5", 1, std::string(64, 'b')}};
  manifest.source = "{\"simulation\":{\"noise\":0.03}}";
  return manifest;
}

/// The text with a true hash after `change` was made to it.
std::string changed(const std::function<void(Json&)>& change) {
  Json document = Json::parse(to_text(example()));
  document.erase("sha256");
  change(document);
  std::string text = document.dump(1);
  text.resize(text.rfind("\n}"));
  return text + ",\"sha256\":\"" + storage::sha256_hex(std::as_bytes(std::span(text))) + "\"}";
}

std::string refusal_of(const std::string& text) {
  try {
    parse_manifest(text, "data/x/dataset.json");
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("data/x/dataset.json"));
    return error.what();
  }
  return "it was accepted";
}

TEST(Manifest, ComesBackAsItWas) {
  const Manifest manifest = parse_manifest(to_text(example()), "a test");
  EXPECT_EQ(to_text(manifest), to_text(example()));
  EXPECT_EQ(manifest.catalogue, example().catalogue);
  EXPECT_EQ(manifest.instruments[0].key, example().instruments[0].key);
  EXPECT_EQ(manifest.shards[1].sha256, example().shards[1].sha256);
  EXPECT_EQ(manifest.source, example().source);
}

TEST(Manifest, HoldsTheNamesOfTheContractInItsOrder) {
  const Json document = Json::parse(to_text(example()));
  std::vector<std::string> names;
  for (const auto& [name, value] : document.items()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"format", "version", "identity", "rows", "length", "stars", "catalogue",
                                             "time_system", "flux_unit", "instruments", "shards", "source", "sha256"}));
  EXPECT_EQ(document["instruments"][0]["key"]["ccd"], 2);
}

TEST(Manifest, NamesThatAreNotKnownAreIgnored) {
  EXPECT_EQ(refusal_of(changed([](Json& document) {
              document["colour"] = "blue";
              document["shards"][0]["colour"] = "red";
            })),
            "it was accepted");
}

TEST(Manifest, EveryChangedByteIsNoticed) {
  const std::string text = to_text(example());
  for (size_t position = 0; position < text.size(); ++position) {
    for (const int bit : {0, 3, 5}) {
      std::string damaged = text;
      damaged[position] = static_cast<char>(damaged[position] ^ (1 << bit));
      const bool is_space = std::isspace(static_cast<unsigned char>(text[position])) != 0;
      if (is_space && position >= text.rfind("\"sha256\"") - 3) continue;  // white space around the hash itself
      EXPECT_NE(refusal_of(damaged), "it was accepted") << "byte " << position << ", bit " << bit;
    }
  }
}

TEST(Manifest, CutOffAnywhereIsNoticed) {
  const std::string text = to_text(example());
  for (size_t size = 0; size + 2 < text.size(); ++size) {
    EXPECT_NE(refusal_of(text.substr(0, size)), "it was accepted") << size;
  }
}

TEST(Manifest, NothingMayFollowTheHash) {
  std::string text = to_text(example());
  text.insert(text.rfind("\n}"), ",\n  \"rows\": 6");
  EXPECT_THAT(refusal_of(text), HasSubstr("does not match the sha256"));
}

TEST(Manifest, AHigherVersionIsRefusedBeforeAnythingElse) {
  Json document = Json::parse(to_text(example()));
  document["version"] = 2;
  document.erase("shards");
  EXPECT_THAT(refusal_of(document.dump()), HasSubstr("is of version 2, this program reads versions up to 1: use a "
                                                     "newer causalfm"));
}

TEST(Manifest, AnotherFormatIsRefused) {
  EXPECT_THAT(refusal_of(changed([](Json& document) { document["format"] = "causalfm-run"; })),
              HasSubstr("has format \"causalfm-run\" where a data set has \"causalfm-dataset\""));
}

TEST(Manifest, WhatDisagreesWithItselfIsRefused) {
  const auto refusal = [](const std::function<void(Json&)>& change) { return refusal_of(changed(change)); };
  EXPECT_THAT(refusal([](Json& d) { d["rows"] = 6; }), HasSubstr("its shards have 5 rows, the data set has 6"));
  EXPECT_THAT(refusal([](Json& d) { d["instruments"][0]["rows"] = 1; }),
              HasSubstr("its instruments have 3 rows, the data set has 5"));
  EXPECT_THAT(refusal([](Json& d) { d["instruments"][1]["id"] = 5; }), HasSubstr("has id 5"));
  EXPECT_THAT(refusal([](Json& d) { d["shards"][1]["file"] = "shard-00000.h5"; }), HasSubstr("no plain name"));
  EXPECT_THAT(refusal([](Json& d) { d["shards"][1]["file"] = "../shard.h5"; }), HasSubstr("no plain name"));
  EXPECT_THAT(refusal([](Json& d) { d["length"] = 0; }), HasSubstr("length is 0"));
}

TEST(Manifest, AWrongTypeOrAMissingFieldIsNamed) {
  const Json whole = Json::parse(to_text(example()));
  for (const auto& [name, value] : whole.items()) {
    if (name == "sha256") continue;
    EXPECT_THAT(refusal_of(changed([&](Json& document) { document.erase(name); })), HasSubstr("has no " + name));
    if (name == "source") continue;
    EXPECT_THAT(refusal_of(changed([&](Json& document) { document[name] = Json::object(); })), HasSubstr(name));
    EXPECT_THAT(refusal_of(changed([&](Json& document) { document[name] = -1.5; })), HasSubstr(name));
  }
  for (const char* name : {"id", "name", "key", "rows"}) {
    EXPECT_THAT(refusal_of(changed([&](Json& document) { document["instruments"][1].erase(name); })),
                HasSubstr(std::string("instrument 1 has no ") + name));
  }
  for (const char* name : {"file", "rows", "sha256"}) {
    EXPECT_THAT(refusal_of(changed([&](Json& document) { document["shards"][1].erase(name); })),
                HasSubstr(std::string("shard 1 has no ") + name));
  }
  EXPECT_THAT(refusal_of("[]"), HasSubstr("is no JSON object"));
  EXPECT_THAT(refusal_of(changed([](Json& document) { document["shards"][0] = 3; })),
              HasSubstr("shard 0 is no JSON object"));
}

TEST(Manifest, AFolderWithoutOneIsNoDataSet) {
  const storage::TemporaryFolder folder;
  const auto files = storage::make_real_file_system();
  for (const auto& place : {folder.path(), folder / "nothing"}) {
    try {
      read_manifest(*files, place);
      FAIL();
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), HasSubstr(place.string() + " holds no dataset.json"));
    }
  }
  std::filesystem::create_directory(folder / manifest_file);
  EXPECT_THROW(read_manifest(*files, folder.path()), DataError);
}

}  // namespace
}  // namespace causalfm::data
