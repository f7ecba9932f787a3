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
  void check(auto&& require) const {
    bool has_links = false;
    for (const CorpusConfig& corpus : data.train)
      has_links = has_links || !corpus.alignment.empty();
    require(training.guided_alignment == 0.0 || has_links, "training.guided_alignment",
            "needs links between words: give a corpus of data.train its file of them in alignment");
    require(training.guided_alignment_layer <= model.decoder.layers,
            "training.guided_alignment_layer", "must not exceed model.decoder.layers");
    require(!training.activation_checkpointing || model.architecture != Architecture::lstm,
            "training.activation_checkpointing", "is for Transformers; set it to false");
  }
};

}  // namespace dragoman
