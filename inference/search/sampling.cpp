#include "dragoman/inference/search/sampling.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "dragoman/data/random.h"
#include "dragoman/inference/search/output_rules.h"
#include "dragoman/inference/search/repetition.h"
#include "dragoman/inference/search/requirements.h"
#include "dragoman/inference/search/start_batch.h"

namespace dragoman {
namespace {

constexpr double kNeverDrawn = -std::numeric_limits<double>::infinity();

/// An output that is being drawn.
struct Draw {
  Random random;
  IdHypothesis hypothesis;
  double total = 0.0;  ///< log-probability after repetition_penalty
  SaidWords said = 0;
  bool is_finished = false;
};

/// A sentence that is still in the batch.
struct DrawnSentence {
  std::int64_t index;
  std::int64_t max_length;
  std::vector<Draw> draws;
};

class Sampler {
 public:
  Sampler(const StepModel& model, const SourceBatch& source, const TargetIds& ids,
          const DecodingOptions& options, const SearchDemands& demands)
      : model_(model),
        source_(start_batch(source, ids, options, demands)),
        ids_(ids),
        options_(options),
        demands_(demands),
        rules_(options, ids, demands) {}

  std::vector<std::vector<IdHypothesis>> run();

 private:
  void admit();
  /// Adds a token to `draw`, or finishes it. log_probs [words].
  void extend(const DrawnSentence& sentence, Draw& draw, std::span<const float> log_probs) const;
  /// What the rules leave of a row.
  [[nodiscard]] std::vector<double> permitted(const Draw& draw,
                                              std::span<const float> log_probs) const;
  [[nodiscard]] std::int64_t draw_token(Draw& draw, const std::vector<std::int64_t>& required,
                                        std::vector<double> log_probs) const;
  [[nodiscard]] at::Tensor to_device(const std::vector<std::int64_t>& values) const {
    return at::tensor(values, at::kLong).to(model_.device());
  }

  const StepModel& model_;
  SourceBatch source_;
  TargetIds ids_;
  const DecodingOptions& options_;
  const SearchDemands& demands_;
  OutputRules rules_;
  std::int64_t length_ = 0;  ///< tokens of each unfinished output
  std::vector<DrawnSentence> active_;
  std::vector<std::vector<IdHypothesis>> results_;
};

std::vector<std::vector<IdHypothesis>> Sampler::run() {
  admit();
  const auto state = model_.start(source_);
  at::Tensor next = to_device(std::vector<std::int64_t>(active_.size(), ids_.begin)).unsqueeze(1);
  while (true) {
    const at::Tensor log_probs = model_.step(next, *state).cpu().contiguous();  // [R, words]
    const auto words = static_cast<std::size_t>(log_probs.size(1));
    std::vector<std::int64_t> tokens;  // [R']
    std::vector<std::int64_t> rows;    // [R'] the old row of each new one
    std::vector<std::int64_t> staying;
    std::vector<DrawnSentence> still_active;
    std::int64_t row = 0;
    for (std::size_t place = 0; place < active_.size(); ++place) {
      DrawnSentence& sentence = active_[place];
      std::vector<std::int64_t> said;
      std::vector<std::int64_t> sources;
      for (Draw& draw : sentence.draws) {
        if (!draw.is_finished)
          extend(sentence, draw, {log_probs.const_data_ptr<float>() + row * words, words});
        said.push_back(draw.is_finished ? ids_.end : draw.hypothesis.ids.back());
        sources.push_back(row);
        if (length_ > 0) ++row;
      }
      if (length_ == 0) ++row;
      if (std::ranges::all_of(sentence.draws, &Draw::is_finished)) {
        for (Draw& draw : sentence.draws)
          results_[sentence.index].push_back(std::move(draw.hypothesis));
        continue;
      }
      tokens.insert(tokens.end(), said.begin(), said.end());
      rows.insert(rows.end(), sources.begin(), sources.end());
      staying.push_back(static_cast<std::int64_t>(place));
      still_active.push_back(std::move(sentence));
    }
    const bool all_stay = still_active.size() == active_.size();
    active_ = std::move(still_active);
    if (active_.empty()) return std::move(results_);
    if (length_ == 0 || !all_stay)
      model_.reorder(*state, to_device(rows), all_stay ? at::Tensor() : to_device(staying));
    next = to_device(tokens).unsqueeze(1);  // [R', 1]
    ++length_;
  }
}

void Sampler::admit() {
  const at::Tensor lengths = source_.lengths.to(at::kCPU, at::kLong).contiguous();  // [B]
  const std::int64_t ends = source_.has_ends ? 1 : 0;
  results_.resize(lengths.size(0));
  for (std::int64_t index = 0; index < lengths.size(0); ++index) {
    const SentenceDemands& demands = demands_.of(index);
    DrawnSentence sentence{index,
                           rules_.length_limit(lengths.const_data_ptr<std::int64_t>()[index] - ends,
                                               std::ssize(demands.prefix), model_.max_positions()),
                           {}};
    for (std::uint64_t number = 0; number < static_cast<std::uint64_t>(options_.n_best); ++number)
      sentence.draws.push_back(
          {Random{static_cast<std::uint64_t>(options_.seed), demands.number, number}, {}});
    active_.push_back(std::move(sentence));
  }
}

void Sampler::extend(const DrawnSentence& sentence, Draw& draw,
                     std::span<const float> log_probs) const {
  static const std::vector<std::int64_t> kNone;
  const auto& required = source_.required.empty() ? kNone : source_.required[sentence.index];
  const SentenceDemands& demands = demands_.of(sentence.index);
  const auto& prefix = demands.prefix;
  const bool is_forced = length_ < std::ssize(prefix);
  const std::int64_t token = is_forced ? prefix[static_cast<std::size_t>(length_)]
                                       : draw_token(draw, required, permitted(draw, log_probs));
  IdHypothesis& hypothesis = draw.hypothesis;
  const bool ends = token == ids_.end && !is_forced;
  if (ends || length_ < sentence.max_length) {
    const float given =
        length_ < demands.certain ? 0.0f : log_probs[static_cast<std::size_t>(token)];
    const float log_prob = is_forced ? std::max(given, kLeastForced) : given;
    const bool is_repeated = !is_forced && options_.repetition_penalty != 1.0 &&
                             std::ranges::find(hypothesis.ids, token) != hypothesis.ids.end();
    draw.total += log_prob * (is_repeated ? options_.repetition_penalty : 1.0);
    hypothesis.token_scores.push_back(log_prob);
    if (!ends) hypothesis.ids.push_back(token);
    draw.said = add_said(draw.said, required, token);
  }
  const bool loops = options_.stop_loops && ends_in_loop(hypothesis.ids, options_.loop_repeats);
  if (!ends && length_ < sentence.max_length && !loops) return;
  draw.is_finished = true;
  hypothesis.ended = ends;
  set_score(hypothesis, draw.total, options_);
}

std::vector<double> Sampler::permitted(const Draw& draw, std::span<const float> log_probs) const {
  std::vector<double> row(log_probs.begin(), log_probs.end());
  const std::vector<std::int64_t>& said = draw.hypothesis.ids;
  if (options_.repetition_penalty != 1.0)
    for (const std::int64_t token : distinct_tokens(said))
      row[static_cast<std::size_t>(token)] *= options_.repetition_penalty;
  for (const std::int64_t token : rules_.forbidden(length_))
    row[static_cast<std::size_t>(token)] = kNeverDrawn;
  if (!rules_.blocks()) return row;
  std::vector<double> narrowed = row;
  for (const std::int64_t token : rules_.blocked(said))
    narrowed[static_cast<std::size_t>(token)] = kNeverDrawn;
  // A repetition is better than no output.
  const bool any = std::ranges::any_of(narrowed, [](double value) { return std::isfinite(value); });
  return any ? narrowed : row;
}

std::int64_t Sampler::draw_token(Draw& draw, const std::vector<std::int64_t>& required,
                                 std::vector<double> log_probs) const {
  std::int64_t missing = -1;  // the most probable word that has to be said yet
  for (std::size_t word = 0; word < std::min(required.size(), kMostRequired); ++word) {
    double& log_prob = log_probs[static_cast<std::size_t>(required[word])];
    if ((draw.said >> word & 1U) != 0)
      log_prob = kNeverDrawn;
    else if (missing < 0 || log_prob > log_probs[static_cast<std::size_t>(missing)])
      missing = required[word];
  }
  const std::vector<double> probabilities = sampling_probabilities(log_probs, options_);
  const double uniform = static_cast<double>(draw.random.next() >> 11) * 0x1p-53;
  const std::int64_t token = token_at(probabilities, uniform);
  if (token < 0 && missing < 0) refuse_probabilities(length_ + 1);
  return missing >= 0 && (token == ids_.end || token < 0) ? missing : token;
}

}  // namespace

std::vector<double> sampling_probabilities(std::span<const double> log_probs,
                                           const DecodingOptions& options) {
  std::vector<double> probabilities(log_probs.size(), 0.0);
  double highest = kNeverDrawn;
  for (const double log_prob : log_probs) {
    if (std::isnan(log_prob)) return probabilities;
    highest = std::max(highest, log_prob);
  }
  if (std::isinf(highest)) return probabilities;
  double sum = 0.0;
  for (std::size_t token = 0; token < log_probs.size(); ++token) {
    probabilities[token] = std::exp((log_probs[token] - highest) / options.temperature);
    sum += probabilities[token];
  }
  const auto wanted = static_cast<std::size_t>(options.top_k);
  const bool limits_count = wanted > 0 && wanted < probabilities.size();
  if (limits_count || options.top_p < 1.0) {
    // A heap: the most probable ones are few as a rule, and sorting all would cost more.
    const auto comes_later = [&](std::size_t one, std::size_t other) {
      return probabilities[one] != probabilities[other] ? probabilities[one] < probabilities[other]
                                                        : one > other;
    };
    std::vector<std::size_t> heap(probabilities.size());
    std::iota(heap.begin(), heap.end(), 0);
    std::ranges::make_heap(heap, comes_later);
    std::vector<std::size_t> best;
    const auto take = [&] {
      std::ranges::pop_heap(heap, comes_later);
      best.push_back(heap.back());
      heap.pop_back();
      return probabilities[best.back()];
    };
    if (limits_count) {
      sum = 0.0;
      while (best.size() < wanted)
        sum += take();
    }
    if (options.top_p < 1.0) {
      const double target = options.top_p * sum;
      sum = 0.0;
      std::size_t kept = 0;
      while (sum < target && (kept < best.size() || (!limits_count && !heap.empty())))
        sum += kept < best.size() ? probabilities[best[kept++]] : (++kept, take());
      best.resize(kept);
    }
    std::vector<double> narrowed(probabilities.size(), 0.0);
    for (const std::size_t token : best)
      narrowed[token] = probabilities[token];
    probabilities = std::move(narrowed);
  }
  for (double& probability : probabilities)
    probability /= sum;
  return probabilities;
}

std::int64_t token_at(std::span<const double> probabilities, double uniform) {
  std::int64_t last = -1;
  double sum = 0.0;
  for (std::size_t token = 0; token < probabilities.size(); ++token) {
    if (probabilities[token] <= 0.0) continue;
    last = static_cast<std::int64_t>(token);
    sum += probabilities[token];
    if (uniform < sum) break;
  }
  return last;  // when rounding leaves the sum below `uniform`: the last one
}

std::vector<std::vector<IdHypothesis>> sample(const StepModel& model, const SourceBatch& source,
                                              const TargetIds& ids, const DecodingOptions& options,
                                              const SearchDemands& demands) {
  if (source.ids.size(0) == 0) return {};
  return Sampler(model, source, ids, options, demands).run();
}

}  // namespace dragoman
