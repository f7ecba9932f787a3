// The model measured on the development set: loss, perplexity and accuracy under teacher forcing,
// BLEU and chrF of its translations, ROUGE where that ranks checkpoints. Leaves the random
// generators as they were, so that training goes on the same with and without validation.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dragoman/data/batch.h"
#include "dragoman/data/log.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/scores.h"
#include "dragoman/training/single_process.h"
#include "dragoman/training/trainer.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

/// A line of the development set and what the model makes of it.
struct SampleTranslation {
  std::int64_t line = 0;  ///< counted from 1
  std::string source, reference, translation;
};

class Validation {
 public:
  /// Tokenises the set once. Throws DataError when the sides have different numbers of lines, or no
  /// pair fits the model.
  Validation(const TrainingConfig& config, const TrainerInputs& inputs, at::Device device);

  [[nodiscard]] bool is_empty() const { return batches_.empty(); }

  /// Puts the model into evaluation mode, and back into training mode at the end. Asks
  /// `is_cancelled` now and then; nothing when it says yes on any rank. Each rank measures its part
  /// of the set, and all get the scores of the whole. Throws DataError when the decoder
  /// returns another number of lines than it was given.
  [[nodiscard]] std::optional<DevelopmentScores> run(const std::function<bool()>& is_cancelled);

  /// Lines of the last run that decoded, always the same ones: training.samples of them, spread
  /// over the set.
  [[nodiscard]] std::vector<SampleTranslation> samples() const;

 private:
  /// Is the part with this number this rank's?
  [[nodiscard]] bool is_mine(std::size_t part) const {
    return part % static_cast<std::size_t>(communicator_.size()) ==
           static_cast<std::size_t>(communicator_.rank());
  }
  bool measure_loss(DevelopmentScores& scores, const std::function<bool()>& is_cancelled);
  bool translate(const std::function<bool()>& is_cancelled);

  Transformer model_;
  DecodeFunction decode_;
  std::size_t samples_;
  bool measures_rouge_;
  DevelopmentSet set_;
  std::vector<std::size_t> by_length_;     ///< lines, shortest source first
  std::vector<std::string> translations_;  ///< of all lines, in order; empty: never decoded
  std::vector<Batch> batches_;
  at::Device device_;
  SingleProcess alone_;
  Communicator& communicator_;
};

}  // namespace dragoman
