#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace causalfm::comm {

/// A process of its own that runs a function, to be stopped and killed by a test; killed at the latest with this
/// object.
class ChildProcess {
 public:
  /// Lines between the test and the child.
  class Pipe {
   public:
    void say(const std::string& line) const {
      const std::string text = line + "\n";
      if (::write(write_, text.data(), text.size()) < 0) std::terminate();
    }
    std::string hear() const {
      std::string line;
      for (char letter = 0; ::read(read_, &letter, 1) == 1 && letter != '\n';) line += letter;
      return line;
    }

   private:
    friend class ChildProcess;
    int read_ = -1;
    int write_ = -1;
  };

  explicit ChildProcess(const std::function<void(Pipe&)>& body) {
    int to_child[2];
    int from_child[2];
    if (::pipe(to_child) != 0 || ::pipe(from_child) != 0) throw std::runtime_error("pipe");
    process_ = ::fork();
    if (process_ == 0) {
      Pipe pipe;
      pipe.read_ = to_child[0];
      pipe.write_ = from_child[1];
      body(pipe);
      ::_exit(0);
    }
    ::close(to_child[0]);
    ::close(from_child[1]);
    pipe_.read_ = from_child[0];
    pipe_.write_ = to_child[1];
  }

  ~ChildProcess() {
    signal(SIGKILL);
    wait();
    ::close(pipe_.read_);
    ::close(pipe_.write_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void signal(int number) const {
    if (process_ > 0) ::kill(process_, number);
  }

  /// The exit code, or 128 and the signal; -1 when it was waited for before.
  int wait() {
    if (process_ <= 0) return -1;
    int status = 0;
    ::waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  std::string hear() const { return pipe_.hear(); }
  void say(const std::string& line) const { pipe_.say(line); }

 private:
  pid_t process_ = -1;
  Pipe pipe_;
};

/// Whether `condition` comes true within `seconds`.
inline bool eventually(const std::function<bool()>& condition, double seconds = 5.0) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return condition();
}

}  // namespace causalfm::comm
