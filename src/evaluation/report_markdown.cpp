#include "evaluation/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace causalfm::evaluation {

namespace {

using Json = nlohmann::ordered_json;

double to_double(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  return std::numeric_limits<double>::quiet_NaN();
}

std::string mean_and_deviation(const Json& values) {
  double mean = 0.0;
  for (const Json& value : values) mean += to_double(value) / static_cast<double>(values.size());
  double square = 0.0;
  for (const Json& value : values) square += std::pow(to_double(value) - mean, 2);
  const double deviation = values.size() > 1 ? std::sqrt(square / static_cast<double>(values.size() - 1)) : 0.0;
  return fmt::format("{:.3f} ± {:.3f}", mean, deviation);
}

std::string row(const std::vector<std::string>& cells) { return fmt::format("| {} |\n", fmt::join(cells, " | ")); }

std::string header(const std::vector<std::string>& cells) {
  std::vector<std::string> rule{"---"};
  rule.resize(cells.size(), "---:");
  return row(cells) + row(rule);
}

std::string score_tables(const Json& report, const std::string& kind, const std::string& what) {
  if (!report.contains(kind)) return {};
  std::string text;
  for (const auto& [target, representations] : report[kind].items()) {
    text += fmt::format(
        "\n## {} of {}, by the number of labelled stars\n\nPredictions are averaged over a star's "
        "curves; mean ± standard deviation of the label draws.\n\n",
        what, target);
    std::vector<std::string> cells{"representation"};
    for (const auto& [count, values] : representations.begin().value().items()) cells.push_back(count);
    text += header(cells);
    for (const auto& [name, counts] : representations.items()) {
      cells = {name};
      for (const auto& [count, values] : counts.items()) cells.push_back(mean_and_deviation(values));
      text += row(cells);
    }
  }
  return text;
}

std::string efficiency_table(const Json& report) {
  if (!report.contains("label_efficiency")) return {};
  std::string text;
  for (const auto& [target, entries] : report["label_efficiency"].items()) {
    text += fmt::format(
        "\n## Label efficiency for {}\n\nLabels that the baseline needs to do as well as z_star, over "
        "the labels that z_star had; 95 % interval over test stars.\n\n",
        target);
    text += header({"labels of z_star", "ratio", "interval"});
    for (const Json& entry : entries) {
      const bool censored = entry["censored"].get<bool>();
      const bool at_smallest = entry.contains("at_smallest");
      text += row({fmt::format("{}", entry["count"].get<int64_t>()),
                   fmt::format("{}{:.2f}",
                               censored      ? "at least "
                               : at_smallest ? "at most "
                                             : "",
                               to_double(entry["ratio"])),
                   fmt::format("{:.2f} to {:.2f}", to_double(entry["interval"][0]), to_double(entry["interval"][1]))});
    }
  }
  return text;
}

std::string probe_tables(const Json& report) {
  if (!report.contains("probes")) return {};
  std::string text;
  for (const auto& [quantity, representations] : report["probes"].items()) {
    text += fmt::format("\n## What a fresh reader finds of {}\n\n{}, over curves of test stars; chance is {:.3f}.\n\n",
                        quantity, quantity == "instrument" ? "Balanced accuracy" : "R2",
                        to_double(representations["chance"]));
    text += header({"representation", "linear", "mlp"});
    for (const auto& [name, values] : representations.items()) {
      if (name == "chance") continue;
      text += row(
          {name, fmt::format("{:.3f}", to_double(values["linear"])), fmt::format("{:.3f}", to_double(values["mlp"]))});
    }
  }
  return text;
}

std::string retrieval_table(const Json& report) {
  if (!report.contains("retrieval")) return {};
  std::string text = "\n## Nearest neighbours (recall@1 by cosine)\n\n";
  text += header({"representation", "same star, other instruments", "same instrument, other stars"});
  for (const auto& [name, star] : report["retrieval"]["star"].items()) {
    text += row({name, fmt::format("{:.3f}", to_double(star)),
                 fmt::format("{:.3f}", to_double(report["retrieval"]["instrument"][name]))});
  }
  return text;
}

std::string swap_error(const Json& run, const char* field) {
  return run.contains("swap_mse") ? fmt::format("{:.4f}", to_double(run["swap_mse"][field])) : "–";
}

std::string run_table(const Json& report) {
  std::string text = "\n## Runs\n\n";
  text += header({"run", "latents", "encoder", "spectrum", "step", "parameters", "reconstruction", "swap", "no swap",
                  "oracle", "unchanged"});
  for (const auto& [name, run] : report["runs"].items()) {
    text += row({name + (run["role"] == "baseline" ? " (baseline)" : ""), run["latents"].get<std::string>(),
                 run["encoder"].get<std::string>(), run["spectrum"].get<std::string>(),
                 fmt::format("{}", run["step"].get<int64_t>()), fmt::format("{}", run["parameters"].get<int64_t>()),
                 fmt::format("{:.4f}", to_double(run["reconstruction_mse"])), swap_error(run, "swap"),
                 swap_error(run, "no_swap"), swap_error(run, "oracle"), swap_error(run, "unchanged")});
  }
  return text +
         "\nErrors are mean squared errors over test curves. The reconstruction is of noisy curves; swap, no "
         "swap, oracle and unchanged are against the simulator's curve without noise.\n";
}

}  // namespace

std::string report_markdown(const Json& report) {
  const Json& data = report["data"];
  std::string text = fmt::format(
      "# What was learned\n\nData {} (identity {}, split seed {}): {} training, {} validation and {} test stars "
      "through {} instruments. Measured on {} stars.\n\n    {}\n",
      data["folder"].get<std::string>(), data["identity"].get<std::string>().substr(0, 12),
      data["split_seed"].get<int64_t>(), data["stars"]["train"].get<int64_t>(),
      data["stars"]["validation"].get<int64_t>(), data["stars"]["test"].get<int64_t>(),
      data["instruments"].get<int64_t>(), data["measured_on"].get<std::string>(), report["command"].get<std::string>());
  return text + run_table(report) + score_tables(report, "regression", "R2") +
         score_tables(report, "classification", "Balanced accuracy") + efficiency_table(report) + probe_tables(report) +
         retrieval_table(report);
}

}  // namespace causalfm::evaluation
