// The training loop: updates, reports, validation, checkpoints, the reasons to stop. It is given
// what it works with; the program connects the files, the tokenisers and the search.
//
//   at::manual_seed(config.seed);              // before the weights are drawn
//   Transformer model(model_config);
//   Trainer trainer(config, {.model = model, .batches = stream, .encoder = encoder,
//                            .development = dev, .decode = decode, .bundle = files, .log = log});
//   if (resume) trainer.resume();
//   TrainingSummary summary = trainer.run();
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dragoman/data/batch_stream.h"
#include "dragoman/data/log.h"
#include "dragoman/data/pair_encoder.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/ranks/communicator.h"
#include "dragoman/training/stop_reason.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

/// Line-aligned texts that training never sees.
struct DevelopmentSet {
  std::vector<std::string> sources;
  std::vector<std::string> references;
};

/// Translates lines with the present weights of the model that is trained, one result per line. The
/// trainer has put the model into evaluation mode; gradients are off.
using DecodeFunction = std::function<std::vector<std::string>(const std::vector<std::string>&)>;

/// What a trainer works with. The model is moved to the device of the configuration.
struct TrainerInputs {
  Transformer model{nullptr};
  Transformer teacher{nullptr};  ///< of training.teacher, with the same vocabularies; null: none
  BatchStream& batches;
  PairEncoder encoder;
  DevelopmentSet development;  ///< may be empty: no validation
  DecodeFunction decode;       ///< may be empty: no BLEU, no chrF
  std::map<std::string, std::string>
      bundle;  ///< stored in each checkpoint: config.json, source.spm, ...
  Log& log;
  std::function<double()> clock;  ///< seconds since any moment; empty: the system's steady clock
  /// The ranks that train together, each with its part of the batches; null: this process alone.
  Communicator* communicator = nullptr;
};

struct TrainingSummary {
  StopReason reason = StopReason::max_steps;
  std::int64_t steps = 0;
  std::int64_t epochs = 0;           ///< complete passes
  double seconds = 0.0;              ///< training time, resumed runs included
  std::int64_t best_step = 0;        ///< 0: never validated
  std::optional<double> best_score;  ///< best_metric there
  std::string last_model;            ///< paths; empty: not written
  std::string best_model;
  std::string averaged_model;
};

class Trainer {
 public:
  /// Throws UsageError (device, precision). With several ranks every call below is one that all
  /// of them make; the first alone reads and writes the run directory.
  Trainer(const TrainingConfig& config, TrainerInputs inputs);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Goes on from the newest complete checkpoint in the run directory: weights, optimiser,
  /// schedule, random generators, data position, scores. A damaged one is named in the log and
  /// passed over. False when there is none yet. Throws ModelError when all are damaged or do not
  /// fit the model.
  bool resume();

  /// Trains until a limit is reached or SIGINT or SIGTERM arrives (the update is finished, a
  /// checkpoint saved; a second signal ends the process at once). Throws UsageError when the run
  /// directory holds checkpoints and nothing was resumed, Error when updates are not finite
  /// max_bad_steps times in a row, SystemError when the last checkpoint could not be written.
  TrainingSummary run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dragoman
