#include "dragoman/inference/search/constraints.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace dragoman {

Phrases::Phrases(std::vector<std::vector<std::int64_t>> phrases,
                 const std::vector<bool>& continues_word)
    : phrases_(std::move(phrases)), continues_word_(&continues_word) {
  for (const auto& phrase : phrases_) {
    size_ += std::ssize(phrase);
    for (const std::int64_t token : phrase)
      if (std::ranges::find(tokens_, token) == tokens_.end()) tokens_.push_back(token);
    std::vector<std::int32_t>& fallback = fallbacks_.emplace_back(phrase.size(), 0);
    for (std::size_t place = 1; place < phrase.size(); ++place) {
      std::int32_t length = fallback[place - 1];
      while (length > 0 && phrase[static_cast<std::size_t>(length)] != phrase[place])
        length = fallback[static_cast<std::size_t>(length - 1)];
      fallback[place] =
          length + (phrase[static_cast<std::size_t>(length)] == phrase[place] ? 1 : 0);
    }
  }
}

PhraseState Phrases::start() const {
  return {0, 0, std::vector<std::int32_t>(phrases_.size(), 0)};
}

PhraseState Phrases::after(const PhraseState& state, std::int64_t token) const {
  PhraseState next = state;
  next.just_met = 0;
  const auto id = static_cast<std::size_t>(token);
  if (id < continues_word_->size() && (*continues_word_)[id]) next.met &= ~state.just_met;
  for (std::size_t number = 0; number < phrases_.size(); ++number) {
    if (is_met(next, number)) continue;
    const auto& phrase = phrases_[number];
    std::int32_t& progress = next.progress[number];
    const auto goes_on = [&] {
      return progress < std::ssize(phrase) && phrase[static_cast<std::size_t>(progress)] == token;
    };
    while (progress > 0 && !goes_on())
      progress = fallbacks_[number][static_cast<std::size_t>(progress - 1)];
    if (goes_on()) ++progress;
    if (progress < std::ssize(phrase)) continue;
    next.met |= std::uint64_t{1} << number;
    next.just_met |= std::uint64_t{1} << number;
  }
  return next;
}

bool Phrases::are_met(const PhraseState& state) const {
  return static_cast<std::size_t>(std::popcount(state.met)) == phrases_.size();
}

std::int64_t Phrases::tokens_met(const PhraseState& state) const {
  std::int64_t met = 0;
  std::int32_t furthest = 0;
  for (std::size_t number = 0; number < phrases_.size(); ++number) {
    if (is_met(state, number))
      met += std::ssize(phrases_[number]);
    else
      furthest = std::max(furthest, state.progress[number]);
  }
  return met + furthest;
}

std::vector<std::int64_t> Phrases::wanted(const PhraseState& state) const {
  std::vector<std::int64_t> begun;
  std::vector<std::int64_t> first;
  for (std::size_t number = 0; number < phrases_.size(); ++number) {
    if (is_met(state, number)) continue;
    const auto progress = static_cast<std::size_t>(state.progress[number]);
    (progress > 0 ? begun : first).push_back(phrases_[number][progress]);
  }
  return begun.empty() ? first : begun;
}

std::vector<std::int64_t> allocate_places(std::span<const std::int64_t> candidates,
                                          std::int64_t beam_size) {
  const auto banks = std::ssize(candidates);
  std::vector<std::int64_t> places(candidates.size(), beam_size / banks);
  places.back() += beam_size % banks;
  // Twice round: what the lowest bank cannot use goes to the upper ones.
  for (std::int64_t turn = 0; turn < 2 * banks; ++turn) {
    const std::int64_t bank = banks - 1 - turn % banks;
    const std::int64_t unused = std::max<std::int64_t>(places[bank] - candidates[bank], 0);
    places[bank] -= unused;
    places[(bank + banks - 1) % banks] += unused;
  }
  for (std::size_t bank = 0; bank < places.size(); ++bank)
    places[bank] = std::min(places[bank], candidates[bank]);
  return places;
}

void add_wanted(std::vector<Extension>& extensions, std::span<const double> totals,
                std::span<const PhraseState* const> states, const Phrases& phrases,
                const WantedScores& scores, const Penalties& penalties) {
  const std::vector<std::int64_t>& tokens = phrases.tokens();
  for (std::size_t beam = 0; beam < totals.size(); ++beam) {
    if (std::isinf(totals[beam])) continue;
    const auto number = static_cast<std::int64_t>(beam);
    for (const std::int64_t token : phrases.wanted(*states[beam])) {
      const bool is_there = std::ranges::any_of(extensions, [&](const Extension& known) {
        return known.beam == number && known.token == token;
      });
      if (is_there) continue;
      const auto place = std::ranges::find(tokens, token) - tokens.begin() + scores.offset;
      const float log_prob = scores.candidates.required[scores.first_row + number][place];
      if (!std::isfinite(log_prob)) continue;
      const double total = totals[beam] + gain(log_prob, number, token, penalties);
      extensions.push_back({number, token, log_prob, total, total});
    }
  }
}

StepChoice choose_constrained(std::vector<Extension> extensions,
                              std::span<const PhraseState* const> states, const Phrases& phrases,
                              std::int64_t beam_size, std::int64_t end_id) {
  const auto state_of = [&](const Extension& extension) -> const PhraseState& {
    return *states[static_cast<std::size_t>(extension.beam)];
  };
  std::erase_if(extensions, [&](const Extension& extension) {
    return extension.token == end_id && !phrases.are_met(state_of(extension));
  });
  std::ranges::sort(extensions, ranks_before);

  // Endings are apart: they take no place in the beam.
  const auto last = static_cast<std::size_t>(phrases.size());
  std::vector<std::int64_t> counts(last + 1, 0);
  std::vector<std::size_t> banks;
  for (const Extension& extension : extensions) {
    const bool ends = extension.token == end_id;
    banks.push_back(ends ? last
                         : static_cast<std::size_t>(phrases.tokens_met(
                               phrases.after(state_of(extension), extension.token))));
    if (!ends) ++counts[banks.back()];
  }
  const std::vector<std::int64_t> places = allocate_places(counts, beam_size);
  std::vector<std::int64_t> used(last + 1, 0);
  StepChoice choice;
  for (std::size_t number = 0; number < extensions.size(); ++number) {
    const std::size_t bank = banks[number];
    if (extensions[number].token == end_id) {
      // As without banks: among the best of those that it competes with.
      if (used[last] < places[last] || places[last] == counts[last])
        choice.ended.push_back(extensions[number]);
    } else if (used[bank] < places[bank]) {
      ++used[bank];
      choice.continued.push_back(extensions[number]);
    }
  }
  return choice;
}

}  // namespace dragoman
