#include "causalfm/config/error.hpp"
#include "causalfm/config/load.hpp"
#include "config/text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace causalfm::config {
namespace {

std::string sentence_of(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  try {
    parse(yaml, "c.yaml", overrides);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

struct Case {
  std::string yaml;
  std::string sentence;
};

void expect_all(const std::vector<Case>& cases) {
  for (const auto& [yaml, sentence] : cases) EXPECT_EQ(sentence_of(yaml), sentence) << yaml;
}

TEST(BadInput, UnknownAndRepeatedKeys) {
  expect_all({
      {"sed: 3", "c.yaml:1: unknown key 'sed'; did you mean 'seed'?"},
      {"\n\ntrain:\n  step: 3", "c.yaml:4: unknown key 'train.step'; did you mean 'train.steps'?"},
      {"trian: {steps: 3}", "c.yaml:1: unknown key 'trian'; did you mean 'train'?"},
      {"steps: 3", "c.yaml:1: unknown key 'steps'; did you mean 'train.steps'?"},
      {"train.steps: 3", "c.yaml:1: key 'train.steps' stands outside its section; write 'steps' under 'train:'"},
      {"seed: 1\nseed: 1", "c.yaml:2: key 'seed' is given again, first on line 1; remove one of the two"},
      {"train:\n  steps: 1\n  steps: 1",
       "c.yaml:3: key 'train.steps' is given again, first on line 2; remove one of the two"},
      {"train: {steps: 1}\ntrain: {steps: 1}",
       "c.yaml:2: key 'train' is given again, first on line 1; remove one of the two"},
      {"? [a, b]\n: 3", "c.yaml:1: a key is [a, b]; expected a word"},
      {": 3", "c.yaml:1: a key is empty; expected a word"},
      {"model: {<<: {width: 3}}", "c.yaml:1: unknown key 'model.<<'; did you mean 'model.width'?"},
  });
}

TEST(BadInput, Documents) {
  expect_all({
      {"- 1\n- 2", "c.yaml:1: the document is [1, 2]; expected keys with values, as in 'seed: 7'"},
      {"\nhello", "c.yaml:2: the document is hello; expected keys with values, as in 'seed: 7'"},
      {"seed: 1\n---\nseed: 2", "c.yaml:2: the document ended above and more follows here; write one document only"},
      {"train: 5", "c.yaml:1: section 'train' is 5; expected keys with values, indented, on the lines below it"},
      {"train: [steps]",
       "c.yaml:1: section 'train' is [steps]; expected keys with values, indented, on the lines below it"},
      {"seed: 1\ntrain: {steps: 3", "c.yaml:2: not valid YAML (end of map flow not found); correct the text there"},
      {",", "c.yaml:1: the document ended above and more follows here; write one document only"},
      {"seed: *nobody", "c.yaml:1: not valid YAML (the referenced anchor is not defined); correct the text there"},
      {"train:\n\tsteps: 3", "c.yaml:2: not valid YAML (illegal map value); correct the text there"},
  });
}

TEST(BadInput, BytesThatAreNoText) {
  const std::string rest = ": not a text in UTF-8; save it as one, without control characters";
  for (const std::string bytes :
       {"\x04", "\x7f\x01", "\x80", "\xc0\xaf", "\xc1\x80", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xc3("}) {
    EXPECT_EQ(sentence_of("seed: 1\n# " + bytes), "c.yaml:2" + rest);
    EXPECT_NE(sentence_of("", {"seed=1 # " + bytes}).find(rest), std::string::npos);
  }
  for (const std::string text : {"ü", "€", "\xf0\x9f\x8c\x9f", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "\t", "\r\n"}) {
    EXPECT_EQ(sentence_of("seed: 1  # " + text), "no error") << text;
  }
  EXPECT_EQ(sentence_of(std::string("\xef\xbb\xbfseed: 1")), "no error");  // a byte order mark
}

TEST(BadInput, Types) {
  const std::string steps = "; expected integer from 1 to 1000000000";
  const std::string rate = "; expected number above 0, up to 10";
  expect_all({
      {"train: {steps: 1e3}", "c.yaml:1: 'train.steps' is 1e3" + steps},
      {"train: {steps: 3.0}", "c.yaml:1: 'train.steps' is 3.0" + steps},
      {"train: {steps: '3'}", "c.yaml:1: 'train.steps' is '3'" + steps},
      {"train: {steps: !!str 3}", "c.yaml:1: 'train.steps' is '3'" + steps},
      {"train: {steps: 0x10}", "c.yaml:1: 'train.steps' is 0x10" + steps},
      {"train: {steps: 1_000}", "c.yaml:1: 'train.steps' is 1_000" + steps},
      {"train: {steps: +-3}", "c.yaml:1: 'train.steps' is +-3" + steps},
      {"train: {steps: }", "c.yaml:1: 'train.steps' is empty" + steps},
      {"train: {steps: [3]}", "c.yaml:1: 'train.steps' is [3]" + steps},
      {"train: {steps: {a: 3}}", "c.yaml:1: 'train.steps' is a map" + steps},
      {"train: {steps: 99999999999999999999}", "c.yaml:1: 'train.steps' is 99999999999999999999" + steps},
      {"train: {learning_rate: fast}", "c.yaml:1: 'train.learning_rate' is fast" + rate},
      {"train: {learning_rate: .nan}", "c.yaml:1: 'train.learning_rate' is .nan" + rate},
      {"train: {learning_rate: nan}", "c.yaml:1: 'train.learning_rate' is nan" + rate},
      {"train: {learning_rate: .inf}", "c.yaml:1: 'train.learning_rate' is .inf" + rate},
      {"train: {learning_rate: -.inf}", "c.yaml:1: 'train.learning_rate' is -.inf" + rate},
      {"train: {learning_rate: 1e400}", "c.yaml:1: 'train.learning_rate' is 1e400" + rate},
      {"train: {learning_rate: '1'}", "c.yaml:1: 'train.learning_rate' is '1'" + rate},
      {"loss: {positives_inside_log: yes}", "c.yaml:1: 'loss.positives_inside_log' is yes; expected true or false"},
      {"loss: {positives_inside_log: True}", "c.yaml:1: 'loss.positives_inside_log' is True; expected true or false"},
      {"loss: {positives_inside_log: 'true'}",
       "c.yaml:1: 'loss.positives_inside_log' is 'true'; expected true or false"},
      {"loss: {anchors: fist}", "c.yaml:1: 'loss.anchors' is fist; expected one of first, all"},
      {"loss: {anchors: [all]}", "c.yaml:1: 'loss.anchors' is [all]; expected one of first, all"},
      {"model: {block: [lstm, lsmt]}",
       "c.yaml:1: 'model.block' is [lstm, lsmt]; expected list of 1 to 16 out of attention, lstm, convolution, "
       "feed_forward"},
      {"model: {block: lstm}",
       "c.yaml:1: 'model.block' is lstm; expected list of 1 to 16 out of attention, lstm, convolution, feed_forward"},
      {"data: {held_out_instruments: [1, x]}",
       "c.yaml:1: 'data.held_out_instruments' is [1, x]; expected list of distinct integers from 0 to 2147483647"},
      {"data: {path: 2024}",
       "c.yaml:1: 'data.path' is 2024; expected text or null (not empty; in quotes if it looks like a number)"},
      {"data: {path: [a]}",
       "c.yaml:1: 'data.path' is [a]; expected text or null (not empty; in quotes if it looks like a number)"},
      {"runtime: {threads: all}", "c.yaml:1: 'runtime.threads' is all; expected auto or integer from 1 to 4096"},
      {"seed: &a [*a]", "c.yaml:1: 'seed' is [a list]; expected integer of 0 or more"},
  });
  EXPECT_EQ(parse("data: {path: '2024'}", "c.yaml").data.path, "2024");
}

TEST(BadInput, Ranges) {
  expect_all({
      {"train: {steps: 0}", "c.yaml:1: 'train.steps' is 0; expected integer from 1 to 1000000000"},
      {"seed: -1", "c.yaml:1: 'seed' is -1; expected integer of 0 or more"},
      {"simulation: {length: 1}", "c.yaml:1: 'simulation.length' is 1; expected integer from 2 to 1000000"},
      {"simulation: {curves_per_star: 0}",
       "c.yaml:1: 'simulation.curves_per_star' is 0; expected integer from 1 to 100000"},
      {"simulation: {lambda: 0}", "c.yaml:1: 'simulation.lambda' is 0.0; expected number above 0, up to 1000"},
      {"simulation: {noise: -0.1}", "c.yaml:1: 'simulation.noise' is -0.1; expected number from 0, up to 1000"},
      {"simulation: {period_scatter: -1}",
       "c.yaml:1: 'simulation.period_scatter' is -1.0; expected number from 0, up to 10"},
      {"model: {kernel: 30}", "c.yaml:1: 'model.kernel' is 30; expected odd integer from 1 to 1023"},
      {"model: {kernel: -31}", "c.yaml:1: 'model.kernel' is -31; expected odd integer from 1 to 1023"},
      {"model: {width: 5000}", "c.yaml:1: 'model.width' is 5000; expected integer from 1 to 4096"},
      {"model: {dropout: 1}", "c.yaml:1: 'model.dropout' is 1.0; expected number from 0, below 1"},
      {"model: {block: []}",
       "c.yaml:1: 'model.block' is []; expected list of 1 to 16 out of attention, lstm, convolution, feed_forward"},
      {"loss: {temperature: 0}", "c.yaml:1: 'loss.temperature' is 0.0; expected number above 0, up to 100"},
      {"data: {held_out_instruments: [2, 1, 2]}",
       "c.yaml:1: 'data.held_out_instruments' is [2, 1, 2]; expected list of distinct integers from 0 to 2147483647"},
      {"data: {path: ''}",
       "c.yaml:1: 'data.path' is \"\"; expected text or null (not empty; in quotes if it looks like a number)"},
      {"runtime: {threads: 0}", "c.yaml:1: 'runtime.threads' is 0; expected auto or integer from 1 to 4096"},
  });
}

TEST(BadInput, Overrides) {
  const auto expect = [](const std::string& given, const std::string& sentence) {
    EXPECT_EQ(sentence_of("", {given}), sentence);
  };
  expect("train.step=3", "--set train.step=3: unknown key 'train.step'; did you mean 'train.steps'?");
  expect("train.steps=x", "--set train.steps=x: 'train.steps' is x; expected integer from 1 to 1000000000");
  expect("train.steps=0", "--set train.steps=0: 'train.steps' is 0; expected integer from 1 to 1000000000");
  expect("train.steps", "--set train.steps: not of the form key=value; write for example --set train.steps=100");
  expect("=3", "--set =3: not of the form key=value; write for example --set train.steps=100");
  expect("", "--set : not of the form key=value; write for example --set train.steps=100");
  expect("train={steps: 3}",
         "--set train={steps: 3}: 'train' is a section; set one of its keys, as in train.batch_triplets=...");
  expect("model.block=[lstm",
         "--set model.block=[lstm: not valid YAML (end of sequence flow not found); correct the "
         "text there");
  expect("seed=1\n---\n2",
         "--set seed=1?---?2: the document ended above and more follows here; write one document only");
}

TEST(BadInput, LongTextsAreShortenedAndKeptOnOneLine) {
  const std::string sentence = sentence_of("seed: \"" + std::string(5000, 'x') + "\\n\"");
  EXPECT_LT(sentence.size(), 200u);
  EXPECT_EQ(first_bad_byte(sentence_of("seed: " + std::string(99, 'x') + "\u00fc")), std::nullopt);  // not cut in two
  EXPECT_EQ(first_bad_byte(sentence_of("", {"seed=\xff"})), std::nullopt);
  EXPECT_EQ(sentence_of("\"a\\nb\": 1").find('\n'), std::string::npos);
}

}  // namespace
}  // namespace causalfm::config
