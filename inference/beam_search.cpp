#include "dragoman/inference/beam_search.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/inference/beam_step.h"
#include "dragoman/inference/repetition.h"
#include "dragoman/inference/requirements.h"

namespace dragoman {
namespace {

constexpr std::int32_t kRoot = -1;

/// One token of the tree of hypotheses of a batch.
struct Node {
  std::int32_t parent;
  std::int32_t token;
  float log_prob;
};

/// A live hypothesis.
struct Beam {
  double total = 0.0;  ///< minus infinity: an unused place
  std::int32_t node = kRoot;
  SaidWords said = 0;
};

/// A sentence that is still in the batch.
struct Sentence {
  std::int64_t index;       ///< in the batch as given
  std::int64_t max_length;  ///< tokens without </s>
  FinishedHypotheses finished;
  std::vector<Beam> beams;
  std::vector<std::int64_t> required;
  std::size_t sure = 0;  ///< tokens of the prefix that the observer knows
};

/// What the model is told between two steps.
struct Reordering {
  std::vector<std::int64_t> tokens;     ///< [R'] the token that each new row adds
  std::vector<std::int64_t> rows;       ///< [R'] the old row that it continues
  std::vector<std::int64_t> sentences;  ///< [B'] old places of the sentences that stay
};

class Search {
 public:
  Search(const StepModel& model, const SourceBatch& source, const TargetIds& ids,
         const DecodingOptions& options, SearchObserver& observer)
      : model_(model), source_(source), ids_(ids), options_(options), observer_(observer) {}

  std::vector<std::vector<IdHypothesis>> run();

 private:
  void admit();
  [[nodiscard]] std::vector<std::int64_t> forbidden() const;
  /// Of each row, what it must not say now because it would repeat itself.
  [[nodiscard]] std::vector<std::vector<std::int64_t>> repetitions() const;
  [[nodiscard]] Candidates choose(const at::Tensor& next, StepState& state,
                                  std::span<const std::int64_t> never) const;
  [[nodiscard]] Reordering advance(const Candidates& candidates);
  /// True: the sentence goes on, with the hypotheses chosen.
  bool extend(Sentence& sentence, const Candidates& candidates, std::int64_t first_row,
              Reordering& next);
  void finish(Sentence& sentence);
  /// Tells the observer what all hypotheses that may become the best begin with.
  void tell_prefix(Sentence& sentence);
  /// What has been said up to `node`.
  [[nodiscard]] std::vector<std::int64_t> said(std::int32_t node) const;
  [[nodiscard]] IdHypothesis trace(std::int32_t node, double total) const;
  [[nodiscard]] at::Tensor to_device(const std::vector<std::int64_t>& values) const;
  void reorder(StepState& state, const Reordering& next, std::size_t old_sentences) const;

  const StepModel& model_;
  const SourceBatch& source_;
  TargetIds ids_;
  const DecodingOptions& options_;
  SearchObserver& observer_;
  std::int64_t length_ = 0;  ///< tokens of each live hypothesis
  std::vector<Sentence> active_;
  std::vector<Node> nodes_;
  std::vector<std::vector<IdHypothesis>> results_;
};

std::vector<std::vector<IdHypothesis>> Search::run() {
  admit();
  const auto state = model_.start(source_);
  at::Tensor next = to_device(std::vector<std::int64_t>(active_.size(), ids_.begin)).unsqueeze(1);
  while (true) {
    const std::vector<std::int64_t> never = forbidden();
    const Candidates candidates = choose(next, *state, never);
    const std::size_t sentences = active_.size();
    const Reordering reordering = advance(candidates);
    if (active_.empty()) return std::move(results_);
    reorder(*state, reordering, sentences);
    next = to_device(reordering.tokens).unsqueeze(1);  // [R, 1]
    ++length_;
  }
}

void Search::admit() {
  const at::Tensor lengths = source_.lengths.to(at::kCPU, at::kLong).contiguous();  // [B]
  results_.resize(lengths.size(0));
  const std::int64_t longest =
      std::max<std::int64_t>(std::min(options_.max_length, model_.max_positions() - 1), 1);
  for (std::int64_t index = 0; index < lengths.size(0); ++index) {
    const auto tokens = static_cast<double>(lengths.const_data_ptr<std::int64_t>()[index] - 1);
    const double allowed = std::min(options_.max_length_ratio * tokens + 10.0, 1e9);
    const std::int64_t max_length = std::min(
        longest, std::max(static_cast<std::int64_t>(std::ceil(allowed)), options_.min_length));
    active_.push_back(
        {index,
         max_length,
         FinishedHypotheses(options_),
         {Beam{}},
         source_.required.empty() ? std::vector<std::int64_t>() : source_.required[index]});
  }
}

std::vector<std::int64_t> Search::forbidden() const {
  std::vector<std::int64_t> never;
  for (const std::int64_t id : {ids_.begin, ids_.pad})
    if (id != ids_.end) never.push_back(id);
  if (!options_.allow_unknown) never.push_back(ids_.unknown);
  if (length_ < options_.min_length) never.push_back(ids_.end);
  return never;
}

std::vector<std::vector<std::int64_t>> Search::repetitions() const {
  std::vector<std::vector<std::int64_t>> rows;
  if (options_.no_repeat_ngram == 0) return rows;
  for (const Sentence& sentence : active_)
    for (const Beam& beam : sentence.beams)
      rows.push_back(repeating_tokens(said(beam.node), options_.no_repeat_ngram));
  return rows;
}

Candidates Search::choose(const at::Tensor& next, StepState& state,
                          std::span<const std::int64_t> never) const {
  const std::int64_t words = model_.vocabulary_size() + source_.extra_words;
  CandidateRequest request{options_.beam_size + 1, never, {}};
  std::vector<std::vector<std::int64_t>> required;
  std::size_t most = 0;
  for (const Sentence& sentence : active_) {
    required.push_back(sentence.required);
    most = std::max(most, sentence.required.size());
  }
  if (most > 0) request.required = required;
  // Room for what the filters below take away.
  const auto repeating = repetitions();
  std::size_t most_repeating = 0;
  for (const auto& tokens : repeating)
    most_repeating = std::max(most_repeating, tokens.size());
  request.count = std::min(request.count + static_cast<std::int64_t>(most + most_repeating), words);
  Candidates candidates = model_.step_candidates(next, state, request);
  for (std::size_t row = 0; row < repeating.size(); ++row)
    remove_tokens(candidates, static_cast<std::int64_t>(row), repeating[row]);
  if (most == 0) return candidates;
  std::int64_t row = 0;
  for (const Sentence& sentence : active_)
    for (const Beam& beam : sentence.beams)
      enforce(candidates, row++, sentence.required, beam.said, ids_.end);
  return candidates;
}

Reordering Search::advance(const Candidates& candidates) {
  Reordering next;
  std::vector<Sentence> staying;
  std::int64_t first_row = 0;
  for (std::size_t place = 0; place < active_.size(); ++place) {
    Sentence& sentence = active_[place];
    const auto width = static_cast<std::int64_t>(sentence.beams.size());
    if (observer_.is_abandoned(sentence.index)) {
      first_row += width;
      continue;
    }
    if (extend(sentence, candidates, first_row, next)) {
      if (observer_.wants_prefixes(sentence.index)) tell_prefix(sentence);
      next.sentences.push_back(static_cast<std::int64_t>(place));
      staying.push_back(std::move(sentence));
    } else {
      finish(sentence);
      observer_.on_finished(sentence.index, results_[sentence.index]);
    }
    first_row += width;
  }
  active_ = std::move(staying);
  return next;
}

bool Search::extend(Sentence& sentence, const Candidates& candidates, std::int64_t first_row,
                    Reordering& next) {
  std::vector<double> totals;
  for (const Beam& beam : sentence.beams)
    totals.push_back(beam.total);
  const StepChoice choice =
      choose_extensions(totals, candidates, first_row, options_.beam_size, ids_.end);
  if (choice.ended.empty() && choice.continued.empty())
    throw ModelError(fmt::format(
        "decoding: the model gives no finite probability for token {} of a sentence. The weights "
        "are damaged, or numbers overflow in this precision: try fp32.",
        length_ + 1));
  for (const Extension& extension : choice.ended) {
    IdHypothesis hypothesis = trace(sentence.beams[extension.beam].node, extension.total);
    hypothesis.token_scores.push_back(extension.log_prob);
    sentence.finished.add(std::move(hypothesis));
  }
  if (length_ == sentence.max_length || choice.continued.empty() ||
      sentence.finished.is_done(choice.continued.front().total, length_ + 1))
    return false;

  // An unused place copies the sentence's row there, so that it causes no reordering.
  const bool is_full = static_cast<std::int64_t>(sentence.beams.size()) == options_.beam_size;
  std::vector<Beam> beams(options_.beam_size,
                          Beam{-std::numeric_limits<double>::infinity(), kRoot});
  for (std::size_t place = 0; place < beams.size(); ++place) {
    const bool is_used = place < choice.continued.size();
    const Extension& extension = choice.continued[is_used ? place : 0];
    next.tokens.push_back(extension.token);
    if (!is_used) {
      next.rows.push_back(first_row + (is_full ? static_cast<std::int64_t>(place) : 0));
      continue;
    }
    next.rows.push_back(first_row + extension.beam);
    beams[place] = {
        extension.total, static_cast<std::int32_t>(nodes_.size()),
        add_said(sentence.beams[extension.beam].said, sentence.required, extension.token)};
    nodes_.push_back({sentence.beams[extension.beam].node,
                      static_cast<std::int32_t>(extension.token), extension.log_prob});
  }
  sentence.beams = std::move(beams);
  return true;
}

void Search::finish(Sentence& sentence) {
  std::vector<IdHypothesis>& result = results_[sentence.index];
  result = sentence.finished.take(options_.n_best);
  if (!result.empty()) return;
  // Nothing ended within the limit: the live hypotheses, which are sorted, as they stand.
  for (const Beam& beam : sentence.beams) {
    if (std::isinf(beam.total) || static_cast<std::int64_t>(result.size()) == options_.n_best)
      break;
    IdHypothesis hypothesis = trace(beam.node, beam.total);
    hypothesis.ended = false;
    hypothesis.score = normalized_score(beam.total, length_, options_);
    result.push_back(std::move(hypothesis));
  }
}

void Search::tell_prefix(Sentence& sentence) {
  // All live hypotheses have the same length: their common prefix ends where their paths meet.
  std::vector<std::int32_t> ends;
  for (const Beam& beam : sentence.beams)
    if (!std::isinf(beam.total)) ends.push_back(beam.node);
  while (std::ranges::adjacent_find(ends, std::not_equal_to<>()) != ends.end())
    for (std::int32_t& node : ends)
      node = nodes_[node].parent;
  std::vector<std::int64_t> prefix = said(ends.front());
  if (const IdHypothesis* best = sentence.finished.best())
    prefix.erase(std::ranges::mismatch(prefix, best->ids).in1, prefix.end());
  if (prefix.size() <= sentence.sure) return;
  sentence.sure = prefix.size();
  observer_.on_prefix(sentence.index, prefix);
}

std::vector<std::int64_t> Search::said(std::int32_t node) const {
  std::vector<std::int64_t> tokens;
  for (; node != kRoot; node = nodes_[node].parent)
    tokens.push_back(nodes_[node].token);
  std::ranges::reverse(tokens);
  return tokens;
}

IdHypothesis Search::trace(std::int32_t node, double total) const {
  IdHypothesis hypothesis;
  hypothesis.ids = said(node);
  for (; node != kRoot; node = nodes_[node].parent)
    hypothesis.token_scores.push_back(nodes_[node].log_prob);
  std::ranges::reverse(hypothesis.token_scores);
  hypothesis.log_probability = total;
  return hypothesis;
}

at::Tensor Search::to_device(const std::vector<std::int64_t>& values) const {
  return at::tensor(values, at::kLong).to(model_.device(), /*non_blocking=*/true);
}

void Search::reorder(StepState& state, const Reordering& next, std::size_t old_sentences) const {
  const bool all_stay = next.sentences.size() == old_sentences;
  bool is_same =
      all_stay && next.rows.size() == old_sentences * (length_ == 0 ? 1 : options_.beam_size);
  for (std::size_t row = 0; is_same && row < next.rows.size(); ++row)
    is_same = next.rows[row] == static_cast<std::int64_t>(row);
  if (is_same) return;
  model_.reorder(state, to_device(next.rows), all_stay ? at::Tensor() : to_device(next.sentences));
}

}  // namespace

std::vector<std::vector<IdHypothesis>> beam_search(const StepModel& model,
                                                   const SourceBatch& source, const TargetIds& ids,
                                                   const DecodingOptions& options,
                                                   SearchObserver* observer) {
  if (source.ids.size(0) == 0) return {};
  SearchObserver nobody;
  return Search(model, source, ids, options, observer == nullptr ? nobody : *observer).run();
}

}  // namespace dragoman
