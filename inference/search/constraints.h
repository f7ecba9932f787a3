// Phrases that an output must hold (lexical constraints), by dynamic beam allocation (Post and
// Vilar 2018): the places of the beam are shared out evenly among hypotheses that hold 0, 1, 2, ...
// tokens of the phrases, so that those who have said something unlikely because it is wanted do not
// have to compete with those who have not.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/search/beam_step.h"

namespace dragoman {

inline constexpr std::size_t kMostPhrases = 64;

/// What a hypothesis holds of the phrases.
struct PhraseState {
  std::uint64_t met = 0;       ///< bit i: phrase i stands in the output
  std::uint64_t just_met = 0;  ///< bit i: and ends in its last token
  /// Of each phrase that is not met: how many of its tokens the output ends in.
  std::vector<std::int32_t> progress;
};

/// The phrases of one sentence. A phrase is met where its tokens follow one another and no token
/// comes behind that continues its last word.
class Phrases {
 public:
  Phrases() = default;
  /// `continues_word`: see SearchDemands; must outlive this.
  Phrases(std::vector<std::vector<std::int64_t>> phrases, const std::vector<bool>& continues_word);

  [[nodiscard]] bool empty() const { return phrases_.empty(); }
  [[nodiscard]] std::int64_t size() const { return size_; }  ///< tokens of all phrases
  /// The different tokens of all phrases.
  [[nodiscard]] const std::vector<std::int64_t>& tokens() const { return tokens_; }

  [[nodiscard]] PhraseState start() const;
  [[nodiscard]] PhraseState after(const PhraseState& state, std::int64_t token) const;
  [[nodiscard]] bool are_met(const PhraseState& state) const;
  /// Tokens of met phrases and of the one that is furthest on, at most size(): Post and Vilar's
  /// number of the bank.
  [[nodiscard]] std::int64_t tokens_met(const PhraseState& state) const;
  /// The tokens that bring a hypothesis on: those that go on with a phrase it has begun; when it
  /// has begun none, those that begin one.
  [[nodiscard]] std::vector<std::int64_t> wanted(const PhraseState& state) const;

 private:
  [[nodiscard]] bool is_met(const PhraseState& state, std::size_t phrase) const {
    return (state.met >> phrase & 1U) != 0;
  }

  std::vector<std::vector<std::int64_t>> phrases_;
  /// Of each phrase and token: how many tokens at the phrase's beginning the phrase up to this
  /// token also ends in, itself apart (Knuth, Morris and Pratt).
  std::vector<std::vector<std::int32_t>> fallbacks_;
  std::vector<std::int64_t> tokens_;
  std::int64_t size_ = 0;
  const std::vector<bool>* continues_word_ = nullptr;
};

/// How the beam's places go to the banks, which have `candidates` each: evenly, the rest to the
/// last bank; what a bank cannot use goes to the one below it, from the last one on round.
[[nodiscard]] std::vector<std::int64_t> allocate_places(std::span<const std::int64_t> candidates,
                                                        std::int64_t beam_size);

/// Where the log-probabilities of wanted tokens are: behind `offset` other ones in
/// candidates.required, rows first_row, first_row + 1, ...
struct WantedScores {
  const Candidates& candidates;
  std::int64_t first_row;
  std::int64_t offset;
};

/// Adds to `extensions` (all_extensions) those by the tokens that each hypothesis wants and that
/// were not probable enough to be candidates. totals, states [beams].
void add_wanted(std::vector<Extension>& extensions, std::span<const double> totals,
                std::span<const PhraseState* const> states, const Phrases& phrases,
                const WantedScores& scores, const Penalties& penalties);

/// As choose_extensions, with the beam's places allocated to banks. What ends before
/// everything is said is left out. states [beams].
[[nodiscard]] StepChoice choose_constrained(std::vector<Extension> extensions,
                                            std::span<const PhraseState* const> states,
                                            const Phrases& phrases, std::int64_t beam_size,
                                            std::int64_t end_id);

}  // namespace dragoman
