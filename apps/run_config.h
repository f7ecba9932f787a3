// The whole configuration document: one section per layer of the tree.
#pragma once

#include "dragoman/data/data_config.h"
#include "dragoman/data/tokenizer_config.h"
#include "dragoman/inference/decoding_options.h"
#include "dragoman/modules/model_config.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

struct RunConfig {
  DataConfig data;
  TokenizerConfig tokenizer;
  ModelConfig model;
  TrainingConfig training;
  DecodingOptions decoding;

  static void fields(auto& self, auto&& visit) {
    visit("data", self.data, "corpora, filters, batches");
    visit("tokenizer", self.tokenizer, "how text becomes pieces");
    visit("model", self.model, "the network");
    visit("training", self.training, "optimiser, schedule, validation, checkpoints");
    visit("decoding", self.decoding, "search defaults, stored with the model");
  }
  void check(auto&&) const {}
};

}  // namespace dragoman
