#include "app/command_plan.hpp"

#include "causalfm/config/error.hpp"
#include "app/exit_code.hpp"
#include "app/quantity_text.hpp"
#include "app/training_host.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ostream>

namespace causalfm::app {

namespace {

using Json = nlohmann::ordered_json;

void print_memory(const training::Plan& plan, const config::Train& train, std::ostream& output) {
  const training::MemoryPlan& memory = plan.memory;
  const auto line = [&](const char* name, double bytes, const char* remark = "") {
    output << fmt::format("  {:<14}{:>12}   {}\n", name, bytes_text(bytes), remark);
  };
  output << "memory of a rank\n";
  line("program", memory.program, "libraries and what they hold");
  if (memory.kept_back > 0.0) line("kept back", memory.kept_back, "by the allocator after many steps");
  line("parameters", memory.parameters);
  line("gradients", memory.gradients);
  line("optimizer", memory.optimizer);
  line("batches", memory.batches, "read ahead");
  line("step", memory.step, "activations and all else that a step takes and gives back");
  line("  of which", memory.projections, "projections of all ranks with their gradients");
  if (plan.other_way) {
    const training::OtherWayPlan& other = *plan.other_way;
    line("  or", other.step,
         fmt::format("with runtime.recompute_blocks {}, for {:.2f} times the computation", other.recomputes,
                     other.computation / plan.time.computation)
             .c_str());
  }
  line("validation", memory.validation, "instead of a step");
  line("total", memory.total, fmt::format("of {} that a rank may take", bytes_text(memory.available)).c_str());
  output << fmt::format(
      "  largest train.batch_triplets that fits on these ranks: {}{}\n", plan.largest_batch,
      plan.largest_batch >= train.batch_triplets
          ? ""
          : fmt::format("; {} DOES NOT FIT: lower it, or set train.micro_batch or runtime.recompute_blocks",
                        train.batch_triplets));
}

void print_traffic(const training::Plan& plan, std::ostream& output) {
  output << "\neach step, each rank\n"
         << fmt::format("  {:<16}{:>7}{:>14}{:>16}{:>16}{:>12}\n", "collective", "calls", "size", "sent in a ring",
                        "in a tree", "time");
  for (const training::CollectivePlan& collective : plan.collectives) {
    output << fmt::format("  {:<16}{:>7}{:>14}{:>16}{:>16}{:>12}\n", comm::to_string(collective.collective),
                          collective.volume.calls, bytes_text(static_cast<double>(collective.volume.bytes)),
                          bytes_text(collective.ring_bytes), bytes_text(collective.tree_bytes),
                          seconds_text(collective.seconds));
  }
}

void print_time(const training::Plan& plan, const config::Train& train, std::ostream& output) {
  const training::TimePlan& time = plan.time;
  output << fmt::format("\ntime of a step on {}{}\n", plan.hardware, time.measured ? " (measured)" : " (an estimate)")
         << fmt::format("  computation    {:>10}{}\n", seconds_text(time.computation),
                        time.operations ? fmt::format("   {:.2f} GFLOP a rank", *time.operations / 1e9) : "")
         << fmt::format("  communication  {:>10}   of which exposed {}\n", seconds_text(time.communication),
                        seconds_text(time.exposed))
         << fmt::format("  step           {:>10}   {:.0f} curves/s\n", seconds_text(time.step), time.curves_per_second)
         << fmt::format("  {} steps  {:>10}   validation left out\n", train.steps, seconds_text(time.run));
  output << fmt::format("\nthe same batch on other numbers of ranks\n  {:>6}{:>12}{:>22}{:>14}\n", "ranks", "step",
                        "exposed communication", "efficiency");
  for (const training::ScalePlan& scale : plan.scales) {
    output << fmt::format("  {:>6}{:>12}{:>20.1f} %{:>12.0f} %\n", scale.ranks, seconds_text(scale.step),
                          100.0 * scale.exposed, 100.0 * scale.efficiency);
  }
  output << fmt::format("  up to {} rank{} the exposed communication stays within 10 % of a step\n",
                        plan.worthwhile_ranks, plan.worthwhile_ranks == 1 ? "" : "s");
}

void print(const training::Plan& plan, const config::Train& train, std::ostream& output) {
  output << fmt::format(
      "{} rank{} on {} node{}: {} learnable numbers, batches of {} triplets, {} of them on a rank\n\n", plan.ranks,
      plan.ranks == 1 ? "" : "s", plan.nodes, plan.nodes == 1 ? "" : "s", plan.parameters, train.batch_triplets,
      plan.triplets);
  print_memory(plan, train, output);
  print_traffic(plan, output);
  print_time(plan, train, output);
}

Json to_json(const training::Plan& plan, const config::Train& train) {
  const training::MemoryPlan& memory = plan.memory;
  const training::TimePlan& time = plan.time;
  Json collectives = Json::array();
  for (const training::CollectivePlan& collective : plan.collectives) {
    collectives.push_back({{"collective", comm::to_string(collective.collective)},
                           {"calls", collective.volume.calls},
                           {"bytes", collective.volume.bytes},
                           {"ring_bytes", collective.ring_bytes},
                           {"tree_bytes", collective.tree_bytes},
                           {"seconds", collective.seconds}});
  }
  Json scales = Json::array();
  for (const training::ScalePlan& scale : plan.scales) {
    scales.push_back({{"ranks", scale.ranks},
                      {"step_seconds", scale.step},
                      {"exposed_share", scale.exposed},
                      {"efficiency", scale.efficiency}});
  }
  Json json{{"ranks", plan.ranks},
            {"nodes", plan.nodes},
            {"hardware", plan.hardware},
            {"parameters", plan.parameters},
            {"batch_triplets", train.batch_triplets},
            {"triplets_of_rank", plan.triplets},
            {"memory_bytes",
             {{"program", memory.program},
              {"kept_back", memory.kept_back},
              {"parameters", memory.parameters},
              {"gradients", memory.gradients},
              {"optimizer", memory.optimizer},
              {"batches", memory.batches},
              {"step", memory.step},
              {"projections", memory.projections},
              {"validation", memory.validation},
              {"total", memory.total},
              {"available", memory.available}}},
            {"collectives", collectives},
            {"time",
             {{"computation_seconds", time.computation},
              {"communication_seconds", time.communication},
              {"exposed_seconds", time.exposed},
              {"step_seconds", time.step},
              {"curves_per_second", time.curves_per_second},
              {"run_seconds", time.run},
              {"measured", time.measured}}},
            {"largest_batch_triplets", plan.largest_batch},
            {"fits", plan.largest_batch >= train.batch_triplets},
            {"scaling", scales},
            {"worthwhile_ranks", plan.worthwhile_ranks}};
  if (time.operations) json["time"]["operations"] = *time.operations;
  if (plan.other_way) {
    json["other_way"] = {{"recompute_blocks", plan.other_way->recomputes},
                         {"step_bytes", plan.other_way->step},
                         {"computation_seconds", plan.other_way->computation}};
  }
  return json;
}

}  // namespace

int plan_command(Job& job, const training::PlanRequest& request, bool json, std::ostream& output) {
  if (job.world_size() > 1) {
    throw config::ConfigError("plan runs on one rank: start it without mpirun; --ranks says how many to plan for");
  }
  job.log().set_level(spdlog::level::warn);  // standard output is the plan's
  config::Config here = request.config;
  // An estimate for a named GPU starts from counts that are taken on a CPU.
  if (request.accelerator) here.runtime.device = config::DeviceKind::cpu;
  const TrainingHost host(job, here, [] { return false; });
  const training::Plan plan = training::plan(request, host.host());
  if (json) {
    output << to_json(plan, request.config.train).dump(2) << "\n";
  } else {
    print(plan, request.config.train, output);
  }
  return static_cast<int>(ExitCode::done);
}

}  // namespace causalfm::app
