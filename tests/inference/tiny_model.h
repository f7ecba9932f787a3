// A small random Transformer and a small tokeniser, in memory and as a model file.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "dragoman/data/archive.h"
#include "dragoman/data/config.h"
#include "dragoman/data/tokenizer.h"
#include "dragoman/inference/batch_translator.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/modules/weights.h"

namespace dragoman_test {

inline dragoman::ModelConfig tiny_config(std::int64_t vocabulary) {
  dragoman::ModelConfig config;
  config.encoder = {.layers = 2, .dim = 16, .heads = 2, .feed_forward = 32};
  config.decoder = {.layers = 2, .dim = 16, .heads = 2, .feed_forward = 32};
  config.source_vocabulary = vocabulary;
  config.target_vocabulary = vocabulary;
  return config;
}

/// Weights are larger than initialised ones, so that probabilities are far from uniform.
inline dragoman::Transformer tiny_transformer(const dragoman::ModelConfig& config,
                                              std::uint64_t seed = 1) {
  at::manual_seed(seed);
  dragoman::Transformer model(config);
  const at::NoGradGuard no_grad;
  for (at::Tensor& parameter : model->parameters()) {
    if (parameter.dim() > 1) {
      parameter.mul_(2.0);
    } else {
      parameter.add_(at::randn(parameter.sizes()), 0.1);
    }
  }
  model->eval();
  return model;
}

inline const std::vector<std::string>& tiny_lines() {
  static const std::vector<std::string> lines = {
      "two dogs play in the snow",      "a man in a red shirt walks",
      "the small child eats an apple",  "three women sit at a table",
      "a girl jumps over the old wall", "dogs run through green grass",
      "an old man reads the newspaper", "the boy throws a ball to the dog",
      "people wait for the next train", "a cat sleeps on the warm roof"};
  return lines;
}

inline dragoman::Tokenizer tiny_tokenizer() {
  static const std::string bytes = [] {
    dragoman::TokenizerConfig config;
    config.vocabulary_size = 60;
    return dragoman::train_tokenizer(config, tiny_lines());
  }();
  return dragoman::Tokenizer::from_bytes(bytes, "tiny.spm");
}

inline dragoman::PairEncoder tiny_encoder() {
  return {tiny_tokenizer(), tiny_tokenizer()};
}

/// What dragoman train would store.
inline dragoman::Archive tiny_archive(const dragoman::Transformer& model) {
  dragoman::Archive archive;
  archive.tensors = dragoman::named_weights(*model);
  archive.files["config.json"] =
      "{\"data\": {\"unknown\": 1}, \"model\": " + dragoman::to_json_text(model->config()) +
      ", \"decoding\": {\"beam_size\": 3, \"max_length\": 30}}";
  archive.files["source.spm"] = tiny_tokenizer().bytes();
  archive.files["card.json"] = "{\"steps\": 7}";
  return archive;
}

}  // namespace dragoman_test
