// A service in few lines: a JSON-free protocol over standard input. Each line is a request; the
// answer is its state, a tab and the translation, or "error" and why there is none. Answers come in
// the order of the requests; what waits is translated together.
#include <dragoman/data/error.h>
#include <dragoman/inference/translator.h>

#include <condition_variable>
#include <deque>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace {

/// Requests on their way to the thread that prints their answers.
class Answers {
 public:
  /// With an error in place of a request that was not taken.
  void add(dragoman::PendingTranslation pending, std::string error = {}) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(pending), std::move(error)});
    changed_.notify_one();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    is_ended_ = true;
    changed_.notify_one();
  }
  void print_all() {
    for (std::unique_lock lock(mutex_);; lock.lock()) {
      changed_.wait(lock, [this] { return is_ended_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      Request next = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      print(next);
    }
  }

 private:
  struct Request {
    dragoman::PendingTranslation pending;
    std::string error;
  };

  static void print(Request& request) {
    try {
      if (!request.error.empty()) throw dragoman::UsageError(request.error);
      const dragoman::Translation answer = request.pending.get();
      std::cout << name(answer.status) << '\t' << answer.text() << std::endl;
    } catch (const dragoman::Error& error) {
      std::cout << "error\t" << error.what() << std::endl;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request> waiting_;
  bool is_ended_ = false;
};

}  // namespace

int main(int argument_count, char** arguments) try {
  if (argument_count != 2) throw dragoman::UsageError("usage: service MODEL.pt");
  const dragoman::Translator translator(arguments[1], {.threads = 2, .batch_size = 64});
  Answers answers;
  std::thread printer([&answers] { answers.print_all(); });
  for (std::string line; std::getline(std::cin, line);) {
    try {
      // Waits while the queue is full, which slows down who writes to standard input.
      answers.add(translator.submit(line, translator.defaults(), {.timeout_ms = 60000}));
    } catch (const dragoman::Error& error) {
      answers.add({}, error.what());
    }
  }
  answers.end();
  printer.join();
} catch (const dragoman::Error& error) {
  std::cerr << error.what() << '\n';
  return error.exit_code();
}
