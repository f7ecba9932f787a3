#include "dragoman/inference/search/beam_search.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "dragoman/inference/search/beam_groups.h"
#include "dragoman/inference/search/beam_step.h"
#include "dragoman/inference/search/constraints.h"
#include "dragoman/inference/search/coverage.h"
#include "dragoman/inference/search/output_rules.h"
#include "dragoman/inference/search/reordering.h"
#include "dragoman/inference/search/repetition.h"
#include "dragoman/inference/search/requirements.h"
#include "dragoman/inference/search/start_batch.h"

namespace dragoman {
namespace {

/// A sentence that is still in the batch.
struct Sentence {
  std::int64_t index;          ///< in the batch as given
  std::int64_t source_tokens;  ///< without </s>
  std::int64_t max_length;     ///< tokens without </s>
  std::vector<Group> groups;
  std::vector<std::int64_t> required;
  const SentenceDemands& demands;
  Phrases phrases;
  /// Tokens that are wanted in any case: `required`, those of `phrases`, the prefix's next one.
  std::vector<std::int64_t> looked_up;
  std::size_t sure = 0;  ///< tokens of the prefix that the observer knows
};

class Search {
 public:
  Search(const StepModel& model, const SourceBatch& source, const TargetIds& ids,
         const DecodingOptions& options, const SearchDemands& demands, SearchObserver& observer)
      : model_(model),
        source_(start_batch(source, ids, options, demands)),
        ids_(ids),
        options_(options),
        demands_(demands),
        observer_(observer),
        rules_(options, ids, demands),
        sizes_(options) {}

  std::vector<std::vector<IdHypothesis>> run();

 private:
  void admit();
  /// True: the sentence's output is still within its prefix.
  [[nodiscard]] bool is_forced(const Sentence& sentence) const {
    return length_ < std::ssize(sentence.demands.prefix);
  }
  [[nodiscard]] std::int64_t rows_of_sentence() const { return length_ == 0 ? 1 : sizes_.rows(); }
  /// Calls use(row, sentence, beam) for each row; before the first step, when a sentence has one
  /// row for all groups, for the first of them.
  void for_each_row(auto&& use) const;
  [[nodiscard]] Candidates choose(const at::Tensor& next, StepState& state);
  void look_up(CandidateRequest& request, std::vector<std::vector<std::int64_t>>& looked_up);
  /// Of each row the tokens that `which` names, and the most that any row has.
  [[nodiscard]] std::pair<std::vector<std::vector<std::int64_t>>, std::size_t> tokens_by_row(
      auto&& which) const;
  void apply_rules(Candidates& candidates,
                   std::span<const std::vector<std::int64_t>> blocked) const;
  [[nodiscard]] Reordering advance(const Candidates& candidates);
  /// True: the sentence goes on, with the hypotheses chosen.
  bool extend(Sentence& sentence, const Candidates& candidates, std::int64_t first_row,
              Reordering& next);
  [[nodiscard]] StepChoice extend_group(const Sentence& sentence, const Group& group,
                                        const Candidates& candidates, std::int64_t first_row,
                                        std::span<const std::int64_t> taken) const;
  [[nodiscard]] StepChoice extend_constrained(const Sentence& sentence, const Group& group,
                                              std::span<const double> totals,
                                              const Candidates& candidates, std::int64_t first_row,
                                              const Penalties& penalties) const;
  [[nodiscard]] bool weighs_coverage() const { return options_.coverage_penalty > 0.0; }
  /// Of a hypothesis after the token that it says now; empty without coverage_penalty.
  [[nodiscard]] std::vector<float> attended(const Sentence& sentence, const Beam& beam,
                                            std::int64_t row) const;
  /// Takes over what has ended of `choice`; closes the group when it is done.
  void settle(const Sentence& sentence, Group& group, const StepChoice& choice,
              std::int64_t first_row);
  void continue_group(Sentence& sentence, Group& group, const StepChoice& choice,
                      std::int64_t first_row, Reordering& next);
  /// Tells the observer what all hypotheses that may become the best begin with.
  void tell_prefix(Sentence& sentence);

  const StepModel& model_;
  SourceBatch source_;
  TargetIds ids_;
  const DecodingOptions& options_;
  const SearchDemands& demands_;
  SearchObserver& observer_;
  OutputRules rules_;
  GroupSizes sizes_;
  std::int64_t length_ = 0;  ///< tokens of each live hypothesis
  std::vector<Sentence> active_;
  /// [R] of each row the tokens that repetition_penalty applies to; empty without it.
  std::vector<std::vector<std::int64_t>> said_;
  at::Tensor attention_;  ///< [R, S] of the last step, in host memory, under coverage_penalty
  HypothesisTree tree_;
  std::vector<std::vector<IdHypothesis>> results_;
};

std::vector<std::vector<IdHypothesis>> Search::run() {
  admit();
  const auto state = model_.start(source_);
  at::Tensor next =
      to_device(std::vector<std::int64_t>(active_.size(), ids_.begin), model_).unsqueeze(1);
  while (true) {
    const Candidates candidates = choose(next, *state);
    const std::size_t sentences = active_.size();
    const Reordering reordering = advance(candidates);
    if (active_.empty()) return std::move(results_);
    reorder(model_, *state, reordering, sentences, rows_of_sentence());
    next = to_device(reordering.tokens, model_).unsqueeze(1);  // [R, 1]
    ++length_;
  }
}

void Search::admit() {
  const at::Tensor lengths = source_.lengths.to(at::kCPU, at::kLong).contiguous();  // [B]
  const std::int64_t ends = source_.has_ends ? 1 : 0;
  results_.resize(lengths.size(0));
  for (std::int64_t index = 0; index < lengths.size(0); ++index) {
    const SentenceDemands& demands = demands_.of(index);
    const std::int64_t source_tokens = lengths.const_data_ptr<std::int64_t>()[index] - ends;
    const std::int64_t max_length =
        rules_.length_limit(source_tokens, std::ssize(demands.prefix), model_.max_positions());
    const auto required =
        source_.required.empty() ? std::vector<std::int64_t>() : source_.required[index];
    Phrases phrases(demands.phrases, demands_.continues_word);
    std::vector<std::int64_t> looked_up = required;
    looked_up.insert(looked_up.end(), phrases.tokens().begin(), phrases.tokens().end());
    const Group group{FinishedHypotheses(options_, sizes_.beams),
                      {Beam{.phrases = phrases.start()}}};
    active_.push_back({index, source_tokens, max_length, std::vector<Group>(sizes_.groups, group),
                       required, demands, std::move(phrases), std::move(looked_up)});
  }
}

void Search::for_each_row(auto&& use) const {
  std::int64_t row = 0;
  for (const Sentence& sentence : active_)
    for (const Group& group : sentence.groups) {
      for (const Beam& beam : group.beams)
        use(row++, sentence, beam);
      if (length_ == 0) break;
    }
}

std::pair<std::vector<std::vector<std::int64_t>>, std::size_t> Search::tokens_by_row(
    auto&& which) const {
  std::vector<std::vector<std::int64_t>> rows;
  std::size_t most = 0;
  for_each_row([&](std::int64_t, const Sentence& sentence, const Beam& beam) {
    rows.push_back(is_forced(sentence) ? std::vector<std::int64_t>()
                                       : which(tree_.tokens(beam.node)));
    most = std::max(most, rows.back().size());
  });
  return {std::move(rows), most};
}

void Search::look_up(CandidateRequest& request, std::vector<std::vector<std::int64_t>>& looked_up) {
  bool any = false;
  for (const Sentence& sentence : active_)
    any = any || is_forced(sentence) || !sentence.looked_up.empty();
  if (!any) return;
  for (const Sentence& sentence : active_) {
    looked_up.push_back(sentence.looked_up);
    if (is_forced(sentence)) looked_up.back().push_back(sentence.demands.prefix[length_]);
  }
  request.required = looked_up;
}

Candidates Search::choose(const at::Tensor& next, StepState& state) {
  const std::vector<std::int64_t> never = rules_.forbidden(length_);
  CandidateRequest request{sizes_.candidates(), never, {}};
  std::vector<std::vector<std::int64_t>> looked_up;
  look_up(request, looked_up);
  // Room for what the rules take away, and for what a penalty brings behind the others.
  std::size_t room = 0;
  for (const Sentence& sentence : active_)
    room = std::max(room, sentence.required.size());
  request.count += static_cast<std::int64_t>(room);
  std::vector<std::vector<std::int64_t>> blocked;
  if (rules_.blocks()) {
    std::tie(blocked, room) =
        tokens_by_row([&](const auto& tokens) { return rules_.blocked(tokens); });
    request.count += static_cast<std::int64_t>(room);
  }
  if (options_.repetition_penalty != 1.0) {
    std::tie(said_, room) =
        tokens_by_row([](const auto& tokens) { return distinct_tokens(tokens); });
    request.count += static_cast<std::int64_t>(room);
  }
  request.count = std::min(request.count, model_.vocabulary_size() + source_.extra_words);
  Candidates candidates = model_.step_candidates(next, state, request);
  if (weighs_coverage()) attention_ = model_.attention(state).cpu().contiguous();
  apply_rules(candidates, blocked);
  return candidates;
}

void Search::apply_rules(Candidates& candidates,
                         std::span<const std::vector<std::int64_t>> blocked) const {
  if (blocked.empty() && candidates.required.empty()) return;
  for_each_row([&](std::int64_t row, const Sentence& sentence, const Beam& beam) {
    if (is_forced(sentence)) {
      const float given = candidates.required[row].back();
      force(candidates, row, sentence.demands.prefix[length_],
            length_ < sentence.demands.certain ? 0.0f : given);
      return;
    }
    if (!blocked.empty()) remove_tokens(candidates, row, blocked[row]);
    if (!sentence.required.empty())
      enforce(candidates, row, sentence.required, beam.said, ids_.end);
  });
}

Reordering Search::advance(const Candidates& candidates) {
  Reordering next;
  std::vector<Sentence> staying;
  std::int64_t first_row = 0;
  for (std::size_t place = 0; place < active_.size(); ++place) {
    Sentence& sentence = active_[place];
    if (observer_.is_abandoned(sentence.index)) {
      first_row += rows_of_sentence();
      continue;
    }
    if (extend(sentence, candidates, first_row, next)) {
      if (observer_.wants_prefixes(sentence.index)) tell_prefix(sentence);
      next.sentences.push_back(static_cast<std::int64_t>(place));
      staying.push_back(std::move(sentence));
    } else {
      results_[sentence.index] = merge_groups(sentence.groups, options_.n_best);
      observer_.on_finished(sentence.index, results_[sentence.index]);
    }
    first_row += rows_of_sentence();
  }
  active_ = std::move(staying);
  return next;
}

bool Search::extend(Sentence& sentence, const Candidates& candidates, std::int64_t first_row,
                    Reordering& next) {
  std::vector<StepChoice> choices;
  std::vector<std::int64_t> taken;
  bool goes_on = false;
  for (std::size_t number = 0; number < sentence.groups.size(); ++number) {
    Group& group = sentence.groups[number];
    const std::int64_t row = first_row + (length_ == 0 ? 0 : sizes_.beams * number);
    StepChoice& choice = choices.emplace_back();
    if (group.is_done) continue;
    choice = extend_group(sentence, group, candidates, row, taken);
    if (choice.ended.empty() && choice.continued.empty()) {
      if (number == 0 || !sizes_.are_alternatives) refuse_probabilities(length_ + 1);
      group.is_done = true;  // fewer first tokens than alternatives
      continue;
    }
    settle(sentence, group, choice, row);
    goes_on = goes_on || !group.is_done;
    for (const Extension& extension : choice.continued)
      taken.push_back(extension.token);
    // Only as alternatives: an end is as good as a first token.
    if (sizes_.are_alternatives && !choice.ended.empty()) taken.push_back(ids_.end);
  }
  if (!goes_on) return false;
  for (std::size_t number = 0; number < sentence.groups.size(); ++number)
    continue_group(sentence, sentence.groups[number], choices[number],
                   first_row + (length_ == 0 ? 0 : sizes_.beams * number), next);
  return true;
}

StepChoice Search::extend_group(const Sentence& sentence, const Group& group,
                                const Candidates& candidates, std::int64_t first_row,
                                std::span<const std::int64_t> taken) const {
  const std::vector<double> totals = group.totals();
  const std::vector<double> handicaps = group.handicaps();
  Penalties penalties;
  if (!said_.empty()) {
    penalties.said = std::span(said_).subspan(first_row, group.beams.size());
    penalties.repetition = options_.repetition_penalty;
  }
  std::int64_t beams = sizes_.beams;
  if (is_forced(sentence)) {
    penalties = {};
  } else if (!sentence.phrases.empty()) {
    return extend_constrained(sentence, group, totals, candidates, first_row, penalties);
  } else if (!sizes_.are_alternatives) {
    penalties.taken = taken;
    penalties.diversity = options_.diversity_penalty;
    penalties.handicaps = handicaps;
  } else if (length_ == std::ssize(sentence.demands.prefix)) {
    penalties.taken = taken;
    penalties.diversity = std::numeric_limits<double>::infinity();
    beams = 1;
  }
  StepChoice choice = choose_extensions(totals, candidates, first_row, beams, ids_.end, penalties);
  if (beams < sizes_.beams && !choice.ended.empty()) choice.continued.clear();
  if (options_.early_stopping == EarlyStopping::best_ended) choice.keep_best(beams);
  return choice;
}

StepChoice Search::extend_constrained(const Sentence& sentence, const Group& group,
                                      std::span<const double> totals, const Candidates& candidates,
                                      std::int64_t first_row, const Penalties& penalties) const {
  const std::vector<const PhraseState*> states = group.phrase_states();
  std::vector<Extension> extensions = all_extensions(totals, candidates, first_row, penalties);
  add_wanted(extensions, totals, states, sentence.phrases,
             {candidates, first_row, std::ssize(sentence.required)}, penalties);
  return choose_constrained(std::move(extensions), states, sentence.phrases, sizes_.beams,
                            ids_.end);
}

std::vector<float> Search::attended(const Sentence& sentence, const Beam& beam,
                                    std::int64_t row) const {
  if (!weighs_coverage()) return {};
  return attended_after(beam.attended,
                        {attention_.const_data_ptr<float>() + row * attention_.size(1),
                         static_cast<std::size_t>(sentence.source_tokens)});
}

void Search::settle(const Sentence& sentence, Group& group, const StepChoice& choice,
                    std::int64_t first_row) {
  const auto coverage = [&](const Extension& extension) {
    return options_.coverage_penalty * log_coverage(attended(sentence, group.beams[extension.beam],
                                                             first_row + extension.beam));
  };
  for (const Extension& extension : choice.ended) {
    IdHypothesis hypothesis = tree_.hypothesis(group.beams[extension.beam].node);
    hypothesis.token_scores.push_back(extension.log_prob);
    hypothesis.coverage = coverage(extension);
    set_score(hypothesis, extension.total, options_);
    group.finished.add(std::move(hypothesis));
  }
  constexpr double kNothing = -std::numeric_limits<double>::infinity();
  FinishedHypotheses::Live live{kNothing, length_ + 1, sentence.max_length + 1};
  if (weighs_coverage()) live.coverage = kNothing;
  live.best_has_ended = choice.best_has_ended();
  for (const Extension& extension : choice.continued) {
    live.total = std::max(live.total, extension.total);
    if (weighs_coverage()) live.coverage = std::max(live.coverage, coverage(extension));
  }
  const bool is_over =
      length_ == sentence.max_length || choice.continued.empty() || group.finished.is_done(live);
  const bool loops = options_.stop_loops &&
                     ends_in_loop(tree_.tokens(group.beams.front().node), options_.loop_repeats);
  if (is_over || loops)
    group.close(tree_, sentence.phrases, options_, sizes_.results(options_.n_best));
}

void Search::continue_group(Sentence& sentence, Group& group, const StepChoice& choice,
                            std::int64_t first_row, Reordering& next) {
  // An unused place copies the row there, so that it causes no reordering.
  std::vector<Beam> beams(sizes_.beams, Beam{.total = -std::numeric_limits<double>::infinity()});
  for (std::size_t place = 0; place < beams.size(); ++place) {
    if (group.is_done || place >= choice.continued.size()) {
      next.tokens.push_back(group.is_done ? ids_.end : choice.continued.front().token);
      next.rows.push_back(first_row + (length_ > 0 ? static_cast<std::int64_t>(place) : 0));
      continue;
    }
    const Extension& extension = choice.continued[place];
    const Beam& old = group.beams[extension.beam];
    next.tokens.push_back(extension.token);
    next.rows.push_back(first_row + extension.beam);
    beams[place] = {extension.total,
                    extension.total - extension.rank,
                    tree_.add(old.node, extension.token, extension.log_prob),
                    add_said(old.said, sentence.required, extension.token),
                    sentence.phrases.empty() ? PhraseState()
                                             : sentence.phrases.after(old.phrases, extension.token),
                    attended(sentence, old, first_row + extension.beam)};
  }
  group.beams = std::move(beams);
}

void Search::tell_prefix(Sentence& sentence) {
  if (sentence.groups.size() > 1 || !sentence.phrases.empty()) return;
  const std::vector<std::int64_t> prefix = sentence.groups.front().sure_prefix(tree_);
  if (prefix.size() <= sentence.sure) return;
  sentence.sure = prefix.size();
  observer_.on_prefix(sentence.index, prefix);
}

}  // namespace

std::vector<std::vector<IdHypothesis>> beam_search(const StepModel& model,
                                                   const SourceBatch& source, const TargetIds& ids,
                                                   const DecodingOptions& options,
                                                   const SearchDemands& demands,
                                                   SearchObserver* observer) {
  if (source.ids.size(0) == 0) return {};
  SearchObserver nobody;
  return Search(model, source, ids, options, demands, observer == nullptr ? nobody : *observer)
      .run();
}

}  // namespace dragoman
