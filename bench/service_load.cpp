// Many clients and one translator: throughput when every text is computed alone (translate) and
// when requests of all clients share batches (submit), then the latency of requests that come at
// random times, at 50 % and 80 % of that throughput.
//
// Core-seconds are the process's own: they hold on a machine that others use as well.
//
//   service_load LINES MODEL.pt [CLIENTS] [THREADS] [BEAM] [MAX_WAIT]
//                                                   64 clients, 2 threads, beam 4, 0 ms
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "dragoman/data/line_reader.h"
#include "dragoman/inference/translator.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Load {
  const dragoman::Translator& translator;
  const dragoman::DecodingOptions& options;
  const std::vector<std::string>& lines;
};

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Latencies in milliseconds.
void report(const char* what, double seconds, double cores, std::vector<double> latencies) {
  std::ranges::sort(latencies);
  const auto quantile = [&latencies](double share) {
    const auto last = static_cast<double>(latencies.size() - 1);
    return latencies[static_cast<std::size_t>(std::lround(share * last))];
  };
  const auto count = static_cast<double>(latencies.size());
  std::printf(
      "%s: %.1f sentences/s, %.1f per core-second, latency p50 %.1f ms, p99 %.1f ms, greatest %.1f "
      "ms\n",
      what, count / seconds, count / cores, quantile(0.5), quantile(0.99), latencies.back());
  std::fflush(stdout);
}

/// Each client sends its next line when it has its answer. Returns sentences a second.
double closed_loop(const char* what, const Load& load, std::size_t clients,
                   const std::function<void(const std::string&)>& translate) {
  std::vector<double> latencies(load.lines.size());
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  const double cores = processor_seconds();
  const auto start = Clock::now();
  for (std::size_t client = 0; client < clients; ++client)
    threads.emplace_back([&] {
      for (std::size_t line = next++; line < load.lines.size(); line = next++) {
        const auto sent = Clock::now();
        translate(load.lines[line]);
        latencies[line] = milliseconds(Clock::now() - sent);
      }
    });
  for (std::thread& thread : threads)
    thread.join();
  const double seconds = milliseconds(Clock::now() - start) / 1000.0;
  report(what, seconds, processor_seconds() - cores, latencies);
  return static_cast<double>(load.lines.size()) / seconds;
}

/// Requests come at random times, `rate` a second on average, whether or not earlier ones have
/// their answers.
void open_loop(const char* what, const Load& load, double rate) {
  std::vector<Clock::time_point> ready(load.lines.size());
  std::vector<double> latencies;
  std::vector<Clock::time_point> due;
  std::vector<dragoman::PendingTranslation> pending;
  std::mt19937_64 random(1);
  std::exponential_distribution<double> pause(rate);
  const double cores = processor_seconds();
  const auto start = Clock::now();
  auto next = start;
  for (std::size_t line = 0; line < load.lines.size(); ++line) {
    next +=
        std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(pause(random)));
    std::this_thread::sleep_until(next);
    due.push_back(next);
    pending.push_back(load.translator.submit(load.lines[line], load.options, {},
                                             [&ready, line] { ready[line] = Clock::now(); }));
  }
  load.translator.shutdown(dragoman::Shutdown::finish);  // after which every `ready` is written
  for (std::size_t line = 0; line < load.lines.size(); ++line)
    latencies.push_back(milliseconds(ready[line] - due[line]));
  report(what, milliseconds(*std::ranges::max_element(ready) - start) / 1000.0,
         processor_seconds() - cores, latencies);
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 3) return 2;
  const auto number = [&](int index, std::int64_t otherwise) {
    return argument_count > index ? std::atol(arguments[index]) : otherwise;
  };
  const std::vector<std::string> lines = dragoman::read_lines(arguments[1]);
  const auto clients = static_cast<std::size_t>(number(3, 64));
  const dragoman::TranslatorOptions options{
      .threads = number(4, 2), .batch_size = 64, .queue = {.max_wait_ms = number(6, 0)}};
  double throughput = 0.0;
  {
    const dragoman::Translator translator(arguments[2], options);
    dragoman::DecodingOptions decoding = translator.defaults();
    decoding.beam_size = number(5, 4);
    decoding.n_best = 1;
    const Load load{translator, decoding, lines};
    (void)translator.translate_batch(
        std::span(lines).first(std::min<std::size_t>(lines.size(), 64)), decoding);
    const double alone = closed_loop("one by one", load, clients, [&](const std::string& line) {
      (void)translator.translate(line, decoding);
    });
    throughput = closed_loop("in shared batches", load, clients, [&](const std::string& line) {
      (void)translator.submit(line, decoding).get();
    });
    std::printf("in shared batches %.2f times as fast\n", throughput / alone);
  }
  for (const int percent : {50, 80}) {
    const dragoman::Translator translator(arguments[2], options);
    dragoman::DecodingOptions decoding = translator.defaults();
    decoding.beam_size = number(5, 4);
    decoding.n_best = 1;
    const double rate = throughput * percent / 100.0;
    const std::string what = "load " + std::to_string(percent) + " %, " +
                             std::to_string(static_cast<int>(rate)) + " requests/s";
    open_loop(what.c_str(), {translator, decoding, lines}, rate);
  }
}
