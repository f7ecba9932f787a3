#include "dragoman/inference/models/import/imported_model.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/data/tokenizer.h"
#include "dragoman/inference/batch_translator.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/modules/weights.h"

namespace dragoman {
namespace {

constexpr std::size_t kProblemsListed = 40;

/// Throws one ModelError that lists every weight of another shape.
void check_fit(const ModelConfig& config, const std::map<std::string, at::Tensor>& weights,
               const std::string& origin, const std::string& settings) {
  std::vector<std::string> problems;
  try {
    Transformer network(config, InitialWeights::unset);
    problems = load_weights(*network, weights);
  } catch (const c10::Error& error) {
    problems = {error.what_without_backtrace()};
  }
  if (problems.empty()) return;
  const std::size_t count = problems.size();
  problems.resize(std::min(count, kProblemsListed));
  throw ModelError(
      fmt::format("{}: {} weight(s) do not have the shapes that {} says:\n  "
                  "{}\nTake another copy.",
                  origin, count, settings, fmt::join(problems, "\n  ")));
}

}  // namespace

void check_sizes(const ModelConfig& config, const std::map<std::string, at::Tensor>& weights,
                 const std::string& origin, const std::string& settings) {
  double stored = 0.0;
  for (const auto& [name, tensor] : weights)
    stored += static_cast<double>(tensor.numel());
  double needed = 0.0;
  for (const StackConfig* stack : {&config.encoder, &config.decoder})
    needed += static_cast<double>(stack->layers) * static_cast<double>(stack->dim) *
              static_cast<double>(4 * stack->attention_dim() + 2 * stack->feed_forward);
  needed += static_cast<double>(config.source_vocabulary) * static_cast<double>(config.encoder.dim);
  if (config.positions == PositionKind::learned)
    needed += static_cast<double>(config.max_positions) * static_cast<double>(config.decoder.dim);
  if (needed <= 2.0 * stored + 1e6) return;
  throw ModelError(
      fmt::format("{}: {} describes a model of {:.0f} numbers or more, but there are "
                  "{:.0f}. Take another copy.",
                  origin, settings, needed, stored));
}

void check_import(const ImportedModel& model, const std::string& origin,
                  const std::string& settings) {
  // Every range and rule of a configuration is checked where one is read.
  try {
    static_cast<void>(parse_config<ModelConfig>(to_json_text(model.model), "model"));
  } catch (const UsageError& error) {
    throw ModelError(fmt::format("{}: {}: {}", origin, settings, error.what()));
  }
  check_fit(model.model, model.weights, origin, settings);
  const Tokenizer source =
      Tokenizer::from_bytes(model.source_tokenizer, origin + ": source tokeniser");
  const Tokenizer target =
      model.target_tokenizer.empty()
          ? source
          : Tokenizer::from_bytes(model.target_tokenizer, origin + ": target tokeniser");
  for (const auto& [side, words, tokenizer] :
       {std::tuple("source", model.model.source_vocabulary, &source),
        std::tuple("target", model.model.target_vocabulary, &target)})
    if (tokenizer->size() != words)
      throw ModelError(fmt::format("{}: the {} tokeniser has {} pieces, the model {} words.",
                                   origin, side, tokenizer->size(), words));
  static_cast<void>(
      PairEncoder(source, target, copy_options(model.model)).framing(sequence_frame(model.model)));
}

Archive to_archive(const ImportedModel& model) {
  Archive archive;
  archive.tensors = model.weights;
  archive.files["config.json"] =
      fmt::format(R"({{"model": {}, "decoding": {}}})", to_json_text(model.model),
                  to_json_text(model.decoding));
  archive.files["source.spm"] = model.source_tokenizer;
  if (!model.target_tokenizer.empty()) archive.files["target.spm"] = model.target_tokenizer;
  archive.files["card.json"] = model.card;
  return archive;
}

}  // namespace dragoman
