#include "dragoman/training/validation.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <mutex>
#include <numeric>

#include "dragoman/data/error.h"
#include "dragoman/data/metrics/bleu.h"
#include "dragoman/data/metrics/chrf.h"
#include "dragoman/data/metrics/rouge.h"
#include "dragoman/training/loss.h"
#include "dragoman/training/ranks/collectives.h"

namespace dragoman {
namespace {

constexpr std::ptrdiff_t kDecodedTogether = 512;  // lines between two looks at is_cancelled

/// Evaluation mode without gradients; afterwards training mode and the generators as before.
class EvaluationGuard {
 public:
  EvaluationGuard(Transformer& model, at::Device device) : model_(model) {
    remember(at::kCPU);
    if (!device.is_cpu()) remember(device);
    model_->eval();
  }
  ~EvaluationGuard() {
    model_->train();
    for (auto& [generator, state] : states_) {
      const std::lock_guard lock(generator.mutex());
      generator.set_state(state);
    }
  }
  EvaluationGuard(const EvaluationGuard&) = delete;
  EvaluationGuard& operator=(const EvaluationGuard&) = delete;

 private:
  void remember(at::Device device) {
    at::Generator generator = at::globalContext().defaultGenerator(device);
    const std::lock_guard lock(generator.mutex());
    states_.emplace_back(generator, generator.get_state());
  }

  at::NoGradGuard no_grad_;
  Transformer& model_;
  std::vector<std::pair<at::Generator, at::Tensor>> states_;
};

std::vector<Example> encode_pairs(const TrainerInputs& inputs) {
  const DevelopmentSet& set = inputs.development;
  const auto longest = static_cast<std::size_t>(inputs.model->config().max_positions) - 1;
  std::vector<Example> examples;
  for (std::size_t line = 0; line < set.sources.size(); ++line) {
    Example example = inputs.encoder.encode(set.sources[line], set.references[line]);
    if (std::max(example.source.size(), example.target.size()) <= longest)
      examples.push_back(std::move(example));
  }
  if (examples.size() < set.sources.size())
    inputs.log.warn(fmt::format(
        "development set: {} of {} pairs are longer than model.max_positions ({}) and do not count "
        "in the loss",
        set.sources.size() - examples.size(), set.sources.size(),
        inputs.model->config().max_positions));
  if (examples.empty() && !set.sources.empty())
    throw DataError("development set: no pair fits into model.max_positions. Give shorter lines.");
  std::ranges::stable_sort(examples, {}, [](const Example& example) {
    return std::max(example.source.size(), example.target.size());
  });
  return examples;
}

}  // namespace

Validation::Validation(const TrainingConfig& config, const TrainerInputs& inputs, at::Device device)
    : model_(inputs.model),
      samples_(static_cast<std::size_t>(config.samples)),
      measures_rouge_(is_rouge(config.best_metric)),
      set_(inputs.development),
      device_(device),
      communicator_(inputs.communicator != nullptr ? *inputs.communicator : alone_) {
  if (set_.sources.size() != set_.references.size())
    throw DataError(
        fmt::format("development set: {} source lines, but {} target lines. Give files "
                    "whose lines correspond.",
                    set_.sources.size(), set_.references.size()));
  if (config.validate_by_decoding) decode_ = inputs.decode;
  const std::vector<Example> examples = encode_pairs(inputs);
  const SpecialIds ids = inputs.encoder.special_ids();
  const auto size = static_cast<std::size_t>(config.validation_batch);
  for (std::size_t begin = 0; begin < examples.size(); begin += size)
    batches_.push_back(
        collate(std::span(examples).subspan(begin, std::min(size, examples.size() - begin)), ids));
  by_length_.resize(set_.sources.size());
  std::iota(by_length_.begin(), by_length_.end(), std::size_t{0});
  std::ranges::stable_sort(by_length_, {},
                           [this](std::size_t line) { return set_.sources[line].size(); });
}

std::optional<DevelopmentScores> Validation::run(const std::function<bool()>& is_cancelled) {
  const EvaluationGuard guard(model_, device_);
  DevelopmentScores scores;
  if (!measure_loss(scores, is_cancelled)) return {};
  if (!decode_) return scores;
  if (!translate(is_cancelled)) return {};
  const std::vector<std::vector<std::string>> references{set_.references};
  scores.bleu = corpus_bleu(translations_, references).score;
  scores.chrf = corpus_chrf(translations_, references).score;
  if (!measures_rouge_) return scores;
  scores.rouge1 = corpus_rouge(translations_, references, {.order = 1}).score;
  scores.rouge2 = corpus_rouge(translations_, references, {.order = 2}).score;
  scores.rougeL = corpus_rouge(translations_, references, {.unit = RougeUnit::subsequence}).score;
  return scores;
}

bool Validation::measure_loss(DevelopmentScores& scores,
                              const std::function<bool()>& is_cancelled) {
  at::Tensor sums = at::zeros({2}, at::device(device_).dtype(at::kDouble));  // nll, correct
  std::int64_t tokens = 0;
  bool was_cancelled = false;
  for (std::size_t index = 0; index < batches_.size(); ++index) {
    const Batch& batch = batches_[index];
    tokens += batch.target_tokens;
    if (!is_mine(index)) continue;
    if ((was_cancelled = is_cancelled())) break;
    const TokenLoss loss = batch_loss(model_, batch.to(device_), {});
    sums += at::stack({loss.nll.to(at::kDouble), loss.correct.to(at::kDouble)});
  }
  if (is_on_any(communicator_, was_cancelled)) return false;
  const at::Tensor host = sums.cpu();
  communicator_.sum(host);
  const double* values = host.const_data_ptr<double>();
  scores.loss = values[0] / static_cast<double>(tokens);
  scores.perplexity = std::exp(scores.loss);
  scores.accuracy = values[1] / static_cast<double>(tokens);
  return true;
}

bool Validation::translate(const std::function<bool()>& is_cancelled) {
  std::vector<std::string> mine;  // each rank translates short lines and long ones
  for (std::size_t place = 0; place < by_length_.size(); ++place)
    if (is_mine(place)) mine.push_back(set_.sources[by_length_[place]]);
  bool was_cancelled = false;
  std::vector<std::string> done;
  while (done.size() < mine.size() && !(was_cancelled = is_cancelled())) {
    const auto begin = mine.begin() + std::ssize(done);
    const std::vector<std::string> lines(
        begin, begin + std::min<std::ptrdiff_t>(kDecodedTogether, mine.end() - begin));
    std::vector<std::string> translated = decode_(lines);
    if (translated.size() != lines.size())
      throw DataError(fmt::format("validation: {} lines went into the decoder and {} came out.",
                                  lines.size(), translated.size()));
    std::ranges::move(translated, std::back_inserter(done));
  }
  if (is_on_any(communicator_, was_cancelled)) return false;
  auto parts = gather(communicator_, done);
  translations_.resize(by_length_.size());
  for (std::size_t place = 0; place < by_length_.size(); ++place)
    translations_[by_length_[place]] = std::move(parts[place % parts.size()][place / parts.size()]);
  return true;
}

std::vector<SampleTranslation> Validation::samples() const {
  std::vector<SampleTranslation> lines;
  const std::size_t count = std::min(samples_, translations_.size());
  for (std::size_t sample = 0; sample < count; ++sample) {
    const std::size_t line = sample * translations_.size() / count;
    lines.push_back({static_cast<std::int64_t>(line) + 1, set_.sources[line], set_.references[line],
                     translations_[line]});
  }
  return lines;
}

}  // namespace dragoman
