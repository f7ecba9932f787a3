// How fast a model translates: sentences per second for beams of 4 and 1, for 1 and 2 workers and
// for several batch sizes, with the length of outputs forced so that models compare.
//
//   decoding LINES MODEL.pt [LENGTH]      LENGTH 0: outputs end where the model ends them
//   decoding LINES TEXT [LENGTH]          random weights (3 + 3 layers, width 256, feed-forward
//   1024, 4
//                                         heads) and a tokeniser of 8000 pieces made from TEXT
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "dragoman/data/archive.h"
#include "dragoman/data/config.h"
#include "dragoman/data/line_reader.h"
#include "dragoman/data/tokenizer.h"
#include "dragoman/inference/translator.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/modules/weights.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

using Clock = std::chrono::steady_clock;

void write_random_model(const std::vector<std::string>& lines, const std::string& path) {
  dragoman::TokenizerConfig tokenizer;
  tokenizer.vocabulary_size = 8000;
  dragoman::ModelConfig config;
  config.encoder = {.layers = 3, .dim = 256, .heads = 4, .feed_forward = 1024};
  config.decoder = config.encoder;
  dragoman::Archive archive;
  archive.files["source.spm"] = dragoman::train_tokenizer(tokenizer, lines);
  const auto pieces = dragoman::Tokenizer::from_bytes(archive.files["source.spm"], path).size();
  config.source_vocabulary = config.target_vocabulary = pieces;
  archive.tensors = dragoman::named_weights(*dragoman::Transformer(config));
  archive.files["config.json"] = "{\"model\": " + dragoman::to_json_text(config) + "}";
  save_archive(archive, path);
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void measure(const std::string& model, const std::vector<std::string>& lines, std::int64_t length,
             std::int64_t threads, std::int64_t beam) {
  for (const std::int64_t batch_size : {16, 32, 64}) {
    const dragoman::Translator translator(model, {.threads = threads, .batch_size = batch_size});
    dragoman::DecodingOptions options = translator.defaults();
    options.beam_size = beam;
    options.n_best = 1;
    if (length > 0) options.min_length = options.max_length = length;
    (void)translator.translate_batch(
        std::span(lines).first(std::min<std::size_t>(lines.size(), 64)), options);
    const double cores = processor_seconds();
    const auto start = Clock::now();
    const auto results = translator.translate_batch(lines, options);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::size_t tokens = 0;
    for (const auto& result : results)
      tokens += result.hypotheses.front().tokens.size();
    const auto count = static_cast<double>(lines.size());
    std::printf(
        "threads %ld beam %ld batch %ld: %.1f sentences/s, %.1f per core-second, %.1f tokens a "
        "sentence\n",
        threads, beam, batch_size, count / seconds, count / (processor_seconds() - cores),
        static_cast<double>(tokens) / count);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
  if (argument_count < 3) return 2;
  const std::vector<std::string> lines = dragoman::read_lines(arguments[1]);
  std::string model = arguments[2];
  const std::int64_t length = argument_count > 3 ? std::atol(arguments[3]) : 15;
  if (!model.ends_with(".pt")) {
    const std::string text = model;
    model = "/tmp/random-model.pt";
    write_random_model(dragoman::read_lines(text), model);
  }
  for (const std::int64_t threads : {2, 1})
    for (const std::int64_t beam : {4, 1})
      measure(model, lines, length, threads, beam);
}
