#include "training/profile_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace causalfm::training {

namespace {

using nlohmann::ordered_json;
using Kind = Span::Kind;

/// Of all spans of one name.
struct Sum {
  std::string name;
  double seconds = 0.0;
  double waited = 0.0;
};

/// The spans of a kind, name by name in the order of first appearance.
std::vector<Sum> sums(const std::vector<Span>& spans, Kind kind) {
  std::vector<Sum> found;
  for (const Span& span : spans) {
    if (span.kind != kind) continue;
    auto sum = std::find_if(found.begin(), found.end(), [&](const Sum& other) { return other.name == span.name; });
    if (sum == found.end()) sum = found.insert(found.end(), Sum{span.name});
    sum->seconds += span.seconds();
    sum->waited += span.waited;
  }
  return found;
}

Sum total(const std::vector<Sum>& sums) {
  Sum all;
  for (const Sum& sum : sums) all.seconds += sum.seconds, all.waited += sum.waited;
  return all;
}

/// What a rank's steps come to.
struct Totals {
  explicit Totals(const std::vector<Span>& spans)
      : steps(std::count_if(spans.begin(), spans.end(), [](const Span& span) { return span.kind == Kind::step; })),
        phases(sums(spans, Kind::phase)),
        whole(total(sums(spans, Kind::step))),
        hidden(total(sums(spans, Kind::reduction)).seconds) {
    phases.push_back({"rest", whole.seconds - total(phases).seconds, whole.waited - total(phases).waited});
  }

  double milliseconds_a_step(double seconds) const { return 1e3 * seconds / static_cast<double>(steps); }

  int64_t steps;
  std::vector<Sum> phases;
  Sum whole;
  double hidden;  ///< seconds
};

std::string percentage(double part, double whole) { return fmt::format("{:.1f} %", 100.0 * part / whole); }

std::string phase_table(const Totals& totals) {
  std::string table = "| phase | ms a step | share | of it waiting for other ranks, ms |\n|---|---:|---:|---:|\n";
  const auto add = [&](const Sum& sum) {
    table += fmt::format("| {} | {:.3f} | {} | {:.3f} |\n", sum.name, totals.milliseconds_a_step(sum.seconds),
                         percentage(sum.seconds, totals.whole.seconds), totals.milliseconds_a_step(sum.waited));
  };
  for (const Sum& phase : totals.phases) add(phase);
  add({"whole step", totals.whole.seconds, totals.whole.waited});
  return table;
}

std::string sublayer_table(const std::vector<Span>& spans, const Totals& totals) {
  const std::vector<Sum> sublayers = sums(spans, Kind::sublayer);
  const double forward = total(sublayers).seconds;
  std::string table = "| sublayer | ms a step | share |\n|---|---:|---:|\n";
  for (const Sum& sublayer : sublayers) {
    table += fmt::format("| {} | {:.3f} | {} |\n", sublayer.name, totals.milliseconds_a_step(sublayer.seconds),
                         percentage(sublayer.seconds, forward));
  }
  return table;
}

std::string rank_table(const std::vector<std::vector<Span>>& ranks) {
  std::string head = "| rank |", line = "|---:|", rows;
  for (const Sum& phase : Totals(ranks.front()).phases) head += " " + phase.name + " |", line += "---:|";
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    const Totals totals(ranks[rank]);
    rows += fmt::format("| {} |", rank);
    for (const Sum& phase : totals.phases) rows += fmt::format(" {:.3f} |", totals.milliseconds_a_step(phase.seconds));
    rows += fmt::format(" {:.3f} | {:.3f} | {:.3f} |\n", totals.milliseconds_a_step(totals.whole.seconds),
                        totals.milliseconds_a_step(totals.whole.waited), totals.milliseconds_a_step(totals.hidden));
  }
  return head + " whole step | exposed | hidden |\n" + line + "---:|---:|---:|\n" + rows;
}

ordered_json name_event(const char* what, size_t rank, int64_t thread, const std::string& name) {
  return {{"name", what}, {"ph", "M"}, {"pid", rank}, {"tid", thread}, {"args", {{"name", name}}}};
}

}  // namespace

std::string to_text(const std::vector<Span>& spans) {
  ordered_json all = ordered_json::array();
  for (const Span& span : spans) {
    all.push_back(ordered_json::array({static_cast<int>(span.kind), span.name, span.begin, span.end, span.waited}));
  }
  return all.dump();
}

std::vector<Span> to_spans(const std::string& text) {
  std::vector<Span> spans;
  for (const ordered_json& span : ordered_json::parse(text)) {
    spans.push_back({static_cast<Kind>(span[0].get<int>()), span[1].get<std::string>(), span[2].get<double>(),
                     span[3].get<double>(), span[4].get<double>()});
  }
  return spans;
}

std::string trace_events(const std::vector<std::vector<Span>>& ranks) {
  constexpr int64_t computation = 0, reduction = 1;
  constexpr double microseconds = 1e6;
  ordered_json events = ordered_json::array();
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    events.push_back(name_event("process_name", rank, computation, fmt::format("rank {}", rank)));
    events.push_back(name_event("thread_name", rank, computation, "computation"));
    events.push_back(name_event("thread_name", rank, reduction, "gradient reduction"));
    for (const Span& span : ranks[rank]) {
      events.push_back({{"name", span.name},
                        {"ph", "X"},
                        {"ts", span.begin * microseconds},
                        {"dur", span.seconds() * microseconds},
                        {"pid", rank},
                        {"tid", span.kind == Kind::reduction ? reduction : computation},
                        {"args", {{"waited_ms", 1e3 * span.waited}}}});
    }
  }
  return ordered_json{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}}.dump() + "\n";
}

std::string profile_tables(const std::vector<std::vector<Span>>& ranks) {
  const std::vector<Span>& first = ranks.front();
  const Totals totals(first);
  std::string text =
      fmt::format("# Profile of {} steps on {} rank{}\n\n", totals.steps, ranks.size(), ranks.size() == 1 ? "" : "s");
  text += "Means of rank 0. profile.json holds every span of every rank; it opens in https://ui.perfetto.dev.\n\n";
  text += phase_table(totals);
  if (ranks.size() > 1) {
    text += fmt::format(
        "\nCommunication: {:.3f} ms a step exposed; hidden, gradients under way while backward goes on: at most {:.3f} "
        "ms.\n",
        totals.milliseconds_a_step(totals.whole.waited), totals.milliseconds_a_step(totals.hidden));
  }
  text += "\n## Forward\n\n" + sublayer_table(first, totals);
  text += "\n## Ranks\n\nMilliseconds a step.\n\n" + rank_table(ranks);
  return text;
}

}  // namespace causalfm::training
