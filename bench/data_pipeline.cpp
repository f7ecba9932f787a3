// How fast text becomes batches, how much of them is padding, and how much memory it takes.
//
//   data_pipeline SOURCE TARGET [batch_tokens] [threads] [vocabulary_size] [shuffle_buffer]
//   [epochs]
#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "dragoman/data/batch_stream.h"
#include "dragoman/data/corpus_sample.h"
#include "dragoman/data/error.h"
#include "dragoman/data/tokenizer.h"

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

dragoman::Tokenizer make_tokenizer(const dragoman::DataConfig& data, std::int64_t size) {
  using dragoman::Side;
  std::vector<std::string> lines;
  for (const auto side : {Side::source, Side::target}) {
    const auto part = dragoman::sample_lines(data.train, side, 50000, 1, data.invalid_text);
    lines.insert(lines.end(), part.begin(), part.end());
  }
  const auto start = std::chrono::steady_clock::now();
  const auto bytes = dragoman::train_tokenizer({.vocabulary_size = size}, lines);
  fmt::print("tokenizer_seconds={:.1f}\n", seconds_since(start));
  return dragoman::Tokenizer::from_bytes(bytes, "trained");
}

void run(const std::vector<std::string>& arguments) {
  const auto number = [&arguments](std::size_t index, std::int64_t otherwise) {
    return index < arguments.size() ? std::stoll(arguments[index]) : otherwise;
  };
  dragoman::DataConfig config;
  config.train.push_back({.source = arguments.at(0), .target = arguments.at(1)});
  config.batch_tokens = number(2, config.batch_tokens);
  config.threads = number(3, config.threads);
  config.shuffle_buffer = number(5, config.shuffle_buffer);
  const auto tokenizer = make_tokenizer(config, number(4, 8000));
  const double megabytes_before = peak_megabytes();
  auto start = std::chrono::steady_clock::now();
  dragoman::BatchStream stream(config, {tokenizer, tokenizer});
  fmt::print("open_seconds={:.3f}\n", seconds_since(start));
  start = std::chrono::steady_clock::now();
  const std::int64_t epochs = number(6, 3);
  std::int64_t pairs = 0;
  std::int64_t batches = 0;
  std::int64_t tokens = 0;
  std::int64_t places = 0;
  std::int64_t target_tokens = 0;
  for (std::int64_t epoch = 0; epoch < epochs;) {
    const auto streamed = stream.next();
    const auto& batch = streamed.batch;
    if (batches == 0) fmt::print("first_batch_seconds={:.2f}\n", seconds_since(start));
    pairs += batch.sentences();
    tokens += batch.source_tokens + batch.target_tokens;
    target_tokens += batch.target_tokens;
    places += batch.source.numel() + batch.target_input.numel();
    ++batches;
    epoch += streamed.ends_epoch ? 1 : 0;
  }
  const double seconds = seconds_since(start);
  fmt::print(
      "pairs={} batches={} seconds={:.2f} pairs_per_second={:.0f} tokens_per_second={:.0f}\n",
      pairs, batches, seconds, static_cast<double>(pairs) / seconds,
      static_cast<double>(tokens) / seconds);
  fmt::print("padding={:.2f}% target_tokens_per_batch={:.0f} pairs_per_batch={:.1f}\n",
             100.0 * static_cast<double>(places - tokens) / static_cast<double>(places),
             static_cast<double>(target_tokens) / static_cast<double>(batches),
             static_cast<double>(pairs) / static_cast<double>(batches));
  fmt::print("peak_megabytes={:.0f} before_the_stream={:.0f}\n", peak_megabytes(),
             megabytes_before);
}

}  // namespace

int main(int count, char** values) {
  try {
    run({values + 1, values + count});
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
