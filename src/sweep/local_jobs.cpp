#include "causalfm/sweep/local_jobs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

namespace causalfm::sweep {

namespace {

constexpr int cannot_start = 127;  // as a shell says it
constexpr int killed = 128;
constexpr std::chrono::milliseconds look{20};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

cpu_set_t set_of(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(static_cast<std::size_t>(core), &set);
  return set;
}

/// Becomes the command. Only calls that are allowed between fork and exec in a process of several threads.
[[noreturn]] void become(char* const* arguments, char* const* environment, int output, const cpu_set_t& cores,
                         pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) ::_exit(killed + SIGTERM);
  if (CPU_COUNT(&cores) > 0) sched_setaffinity(0, sizeof(cores), &cores);
  const int nothing = ::open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execve(arguments[0], arguments, environment);
  ::_exit(cannot_start);
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    if (std::ranges::none_of(added, [&](const std::string& one) { return one.starts_with(name); })) all.push_back(text);
  }
  return all;
}

/// The last sentence that was written to the file from `begin` on.
std::string sentence_in(const std::filesystem::path& file, std::streamoff begin) {
  constexpr std::string_view mark = "causalfm: ";
  std::ifstream stream(file);
  stream.seekg(begin);
  std::string sentence;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(mark)) sentence = line.substr(mark.size());
  }
  return sentence;
}

int wait_for(pid_t process, const std::atomic<bool>& stop) {
  int status = 0;
  bool told = false;
  for (;;) {
    const pid_t ended = waitpid(process, &status, WNOHANG);
    if (ended == process) break;
    if (ended < 0 && errno != EINTR) return 1;
    if (stop && !told) {
      ::kill(process, SIGTERM);
      told = true;
    }
    std::this_thread::sleep_for(look);
  }
  return WIFSIGNALED(status) ? killed + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

std::vector<std::vector<int>> divide_cores(int64_t jobs) {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
    }
  }
  if (cores.empty()) cores.push_back(0);
  const auto count = static_cast<int64_t>(cores.size());
  std::vector<std::vector<int>> divided;
  for (int64_t job = 0; job < jobs; ++job) {
    if (jobs >= count) {
      divided.push_back({cores[static_cast<std::size_t>(job % count)]});
    } else {
      divided.emplace_back(cores.begin() + job * count / jobs, cores.begin() + (job + 1) * count / jobs);
    }
  }
  return divided;
}

Ended run_command(const Command& command, const std::vector<int>& cores, const std::atomic<bool>& stop) {
  const int output = ::open(command.output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (output < 0) {
    return {cannot_start, fmt::format("{}: cannot be written ({}); free space or correct the rights of its folder",
                                      command.output.string(), std::strerror(errno))};
  }
  const off_t begin = ::lseek(output, 0, SEEK_END);
  std::vector<std::string> arguments = command.arguments;
  std::vector<std::string> environment = environment_with(command.environment);
  const std::vector<char*> argument_pointers = pointers(arguments);
  const std::vector<char*> environment_pointers = pointers(environment);
  const cpu_set_t set = set_of(cores);
  const pid_t parent = getpid();
  const pid_t process = ::fork();
  if (process == 0) become(argument_pointers.data(), environment_pointers.data(), output, set, parent);
  const int error = errno;
  ::close(output);
  if (process < 0) return {cannot_start, fmt::format("no process can be started ({})", std::strerror(error))};
  const int code = wait_for(process, stop);
  std::string sentence = code == 0 ? "" : sentence_in(command.output, begin);
  if (code == cannot_start && sentence.empty()) {
    sentence = fmt::format("{} cannot be started; install it or correct its rights", command.arguments.front());
  }
  if (code > killed && sentence.empty()) {
    sentence = fmt::format("its process was ended by signal {} ({})", code - killed, strsignal(code - killed));
  }
  return {code, std::move(sentence)};
}

void for_each_task(int64_t count, int64_t jobs, std::atomic<bool>& stop,
                   const std::function<void(int64_t task, const std::vector<int>& cores)>& work) {
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  std::exception_ptr thrown;
  const auto take = [&](const std::vector<int>& cores) {
    for (int64_t task = next++; task < count && !stop; task = next++) {
      try {
        work(task, cores);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!thrown) thrown = std::current_exception();
        stop = true;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (const std::vector<int>& cores : divide_cores(std::min(jobs, std::max<int64_t>(count, 1)))) {
      threads.emplace_back(take, cores);
    }
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace causalfm::sweep
