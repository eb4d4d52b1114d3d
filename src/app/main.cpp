#include "app/command_line.hpp"
#include "app/job.hpp"
#include "app/memory.hpp"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  using namespace causalfm::app;
  try {
    keep_freed_memory();
    Job job(deadline_seconds(argc, argv));
    return job.run([&] { return run_command_line(job, argc, argv); });
  } catch (const std::exception& error) {  // MPI itself did not start
    const Failure failure = describe_failure(error);
    std::fprintf(stderr, "causalfm: %s\n", failure.sentence.c_str());
    return static_cast<int>(failure.code);
  }
}
