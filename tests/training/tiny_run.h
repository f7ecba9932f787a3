// A corpus of a few made-up sentences, a character tokeniser and a very small model: enough to
// train for some updates in milliseconds.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dragoman/data/batch_stream.h"
#include "dragoman/data/config.h"
#include "dragoman/data/log.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/modules/weights.h"
#include "dragoman/training/trainer.h"
#include "tests/support/temporary_folder.h"

namespace dragoman_test {

/// Remembers everything; `on_event` sees each event first.
class TestLog final : public dragoman::Log {
 public:
  struct Event {
    std::string name;
    std::map<std::string, dragoman::LogValue> fields;
    [[nodiscard]] std::int64_t integer(const std::string& key) const {
      return std::get<std::int64_t>(fields.at(key));
    }
    [[nodiscard]] double number(const std::string& key) const {
      return std::get<double>(fields.at(key));
    }
  };

  void info(std::string_view message) override { infos.emplace_back(message); }
  void warn(std::string_view message) override { warnings.emplace_back(message); }
  void event(std::string_view name, const dragoman::LogFields& fields) override {
    Event event{std::string(name), {fields.begin(), fields.end()}};
    if (on_event) on_event(event);
    events.push_back(std::move(event));
  }

  [[nodiscard]] std::vector<Event> named(const std::string& name) const {
    std::vector<Event> found;
    for (const Event& event : events)
      if (event.name == name) found.push_back(event);
    return found;
  }

  std::vector<std::string> infos, warnings;
  std::vector<Event> events;
  std::function<void(const Event&)> on_event;
};

/// Sentences of the letters a to e; a target is its source backwards.
struct TinyCorpus {
  explicit TinyCorpus(const TemporaryFolder& folder, int pairs = 60) {
    std::uint32_t random = 7;
    const auto draw = [&random](std::uint32_t bound) {
      random = random * 1664525u + 1013904223u;
      return (random >> 16) % bound;
    };
    std::string sources;
    std::string targets;
    for (int pair = 0; pair < pairs + 8; ++pair) {
      std::string text;
      for (std::uint32_t letter = 0; letter < 3 + draw(6); ++letter)
        text.push_back(static_cast<char>('a' + draw(5)));
      const std::string backwards(text.rbegin(), text.rend());
      lines.push_back(text);
      if (pair < pairs) {
        sources += text + "\n";
        targets += backwards + "\n";
      } else {
        development.sources.push_back(text);
        development.references.push_back(backwards);
      }
    }
    data.train = {{.source = folder.write("train.src", sources),
                   .target = folder.write("train.tgt", targets),
                   .format = {},
                   .weight = 1.0}};
    data.batch_tokens = 60;
    data.shuffle_buffer = 40;
    data.threads = 1;
    dragoman::TokenizerConfig config;
    config.type = dragoman::TokenizerType::character;
    config.vocabulary_size = 16;
    spm = dragoman::train_tokenizer(config, lines);
  }

  [[nodiscard]] dragoman::Tokenizer tokenizer() const {
    return dragoman::Tokenizer::from_bytes(spm, "tiny");
  }
  [[nodiscard]] dragoman::ModelConfig model() const {
    dragoman::ModelConfig config;
    config.encoder = {.layers = 1, .dim = 16, .heads = 2, .feed_forward = 32};
    config.decoder = config.encoder;
    config.dropout = 0.1;
    config.max_positions = 64;
    config.source_vocabulary = config.target_vocabulary = tokenizer().size();
    return config;
  }

  dragoman::DataConfig data;
  dragoman::DevelopmentSet development;
  std::vector<std::string> lines;
  std::string spm;
};

inline dragoman::TrainingConfig tiny_training(const std::string& output) {
  dragoman::TrainingConfig config;
  config.output = output;
  config.threads = 1;  // these tensors are too small to share out
  config.max_steps = 40;
  config.warmup_steps = 10;
  config.learning_rate = 3e-3;
  config.precision = dragoman::TrainingPrecision::fp32;
  config.report_every = 1;
  config.save_every = 5;
  config.keep_last = 2;
  config.keep_best = 2;
  config.validate_every = 10;
  config.validate_by_decoding = false;
  config.best_metric = dragoman::Metric::loss;
  config.average_best = 2;
  config.tensorboard = false;
  return config;
}

using Weights = std::map<std::string, at::Tensor>;

inline Weights copy_of_weights(const dragoman::Transformer& model) {
  Weights weights;
  for (const auto& [name, tensor] : dragoman::named_weights(*model))
    weights[name] = tensor.detach().clone();
  return weights;
}

inline bool same_bits(const Weights& left, const Weights& right) {
  if (left.size() != right.size()) return false;
  for (const auto& [name, tensor] : left)
    if (!right.contains(name) || !at::equal(tensor, right.at(name))) return false;
  return true;
}

/// One process: a fresh model, a fresh stream, a fresh trainer.
struct TinyProcess {
  TinyProcess(const TinyCorpus& corpus, const dragoman::TrainingConfig& config,
              dragoman::DecodeFunction decode = {}, std::function<double()> clock = {})
      : model(seeded_model(corpus, config)),
        batches(corpus.data, {corpus.tokenizer(), corpus.tokenizer()}),
        trainer(config, {.model = model,
                         .batches = batches,
                         .encoder = {corpus.tokenizer(), corpus.tokenizer()},
                         .development = corpus.development,
                         .decode = std::move(decode),
                         .bundle = {{"config.json",
                                     "{\"model\": " + dragoman::to_json_text(corpus.model()) + "}"},
                                    {"source.spm", corpus.spm}},
                         .log = log,
                         .clock = std::move(clock)}) {}

  static dragoman::Transformer seeded_model(const TinyCorpus& corpus,
                                            const dragoman::TrainingConfig& config) {
    at::manual_seed(static_cast<std::uint64_t>(config.seed));
    return dragoman::Transformer(corpus.model());
  }

  TestLog log;
  dragoman::Transformer model;
  dragoman::BatchStream batches;
  dragoman::Trainer trainer;
};

}  // namespace dragoman_test
