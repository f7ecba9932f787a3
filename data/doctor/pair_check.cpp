#include "dragoman/data/doctor/pair_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "dragoman/data/span_patterns.h"

namespace dragoman {

namespace {

constexpr double kStepsPerDoubling = 8.0;
constexpr double kLengthSlack = 10.0;

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

/// The numbers of a text, sorted, each once: digits alone, so that 1,000.5 equals 1.000,5.
std::vector<std::string> numbers_of(std::string_view text) {
  std::vector<std::string> numbers;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    std::string digits;
    while (at < text.size()) {
      const bool joins = (text[at] == '.' || text[at] == ',' || text[at] == ':') &&
                         at + 1 < text.size() && is_digit(text[at + 1]);
      if (!is_digit(text[at]) && !joins) break;
      if (!joins) digits += text[at];
      ++at;
    }
    numbers.push_back(std::move(digits));
  }
  std::ranges::sort(numbers);
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

bool may_hold_address(std::string_view text) {
  return text.find("://") != std::string_view::npos || text.find("www.") != std::string_view::npos;
}

std::vector<std::string_view> addresses_of(std::string_view text) {
  static const SpanPatterns patterns({"url"});
  std::vector<std::string_view> addresses;
  for (const TextRange& range : patterns.find(text))
    addresses.push_back(text.substr(range.begin, range.end - range.begin));
  std::ranges::sort(addresses);
  return addresses;
}

/// Median of a histogram.
std::int64_t middle(const std::vector<std::int64_t>& counts) {
  std::int64_t total = 0;
  for (const std::int64_t count : counts)
    total += count;
  std::int64_t below = 0;
  for (std::size_t step = 0; step < counts.size(); ++step) {
    below += counts[step];
    if (2 * below >= total) return static_cast<std::int64_t>(step);
  }
  return 0;
}

}  // namespace

void LengthRatios::add(const ExaminedPair& pair) {
  const double ratio = (static_cast<double>(pair.target_traits.characters) + kLengthSlack) /
                       (static_cast<double>(pair.source_traits.characters) + kLengthSlack);
  const auto step = static_cast<std::int64_t>(std::lround(kStepsPerDoubling * std::log2(ratio)));
  steps_[static_cast<std::size_t>(std::clamp<std::int64_t>(kZero + step, 0, 2 * kZero))].add(
      pair.number, pair.target);
}

void LengthRatios::add(const LengthRatios& later) {
  for (std::size_t step = 0; step < steps_.size(); ++step)
    steps_[step].add(later.steps_[step]);
}

void LengthRatios::report(const ReportedSet& set, std::vector<Finding>& findings) const {
  std::vector<std::int64_t> counts;
  for (const Tally& step : steps_)
    counts.push_back(step.count());
  const std::int64_t median = middle(counts);
  std::vector<std::int64_t> distances(counts.size() + kZero);
  for (std::size_t step = 0; step < counts.size(); ++step)
    distances[static_cast<std::size_t>(std::abs(static_cast<std::int64_t>(step) - median))] +=
        counts[step];
  const double usual = 1.4826 * static_cast<double>(middle(distances));
  const auto limit = static_cast<std::int64_t>(
      std::ceil(std::max(6.0 * usual, kStepsPerDoubling * std::log2(3.0))));
  Tally far;
  for (std::int64_t distance = 2 * kZero; distance > limit; --distance)
    for (const std::int64_t step : {median - distance, median + distance})
      if (step >= 0 && step <= 2 * kZero) far.add(steps_[static_cast<std::size_t>(step)]);
  if (far.count() == 0) return;
  const auto factor = [](std::int64_t steps) {
    return std::exp2(static_cast<double>(steps) / kStepsPerDoubling);
  };
  findings.push_back(
      {100 * far.count() > set.pairs ? Severity::warning : Severity::note, "length-ratio", set.name,
       fmt::format(
           "targets over {:.2g} times longer or shorter for their source than usual (usual: "
           "{:.2g} times the source): {}",
           factor(limit), factor(median - kZero), far.count()),
       far.count(), set.pairs, set.examples(far, Side::target),
       "Look whether they are translations of their sources; data.max_length_ratio drops the "
       "worst."});
}

void PairCheck::add(const ExaminedPair& pair) {
  if (pair.source_traits.is_blank) empty_source_.add(pair.number, pair.target);
  if (pair.target_traits.is_blank) empty_target_.add(pair.number, pair.source);
  if (pair.source_traits.is_blank || pair.target_traits.is_blank) return;
  ratios_.add(pair);
  if (pair.source == pair.target) copied_.add(pair.number, pair.source);
  if (pair.source_traits.has_digit && pair.target_traits.has_digit) {
    ++with_numbers_;
    if (numbers_of(pair.source) != numbers_of(pair.target))
      numbers_.add(pair.number, pair.target, pair.target.find_first_of("0123456789"));
  }
  if (may_hold_address(pair.source) || may_hold_address(pair.target)) {
    ++with_addresses_;
    if (addresses_of(pair.source) != addresses_of(pair.target))
      addresses_.add(pair.number, pair.source,
                     may_hold_address(pair.source)
                         ? std::min(pair.source.find("://"), pair.source.find("www."))
                         : 0);
  }
}

void PairCheck::add(const PairCheck& later) {
  empty_source_.add(later.empty_source_);
  empty_target_.add(later.empty_target_);
  copied_.add(later.copied_);
  numbers_.add(later.numbers_);
  with_numbers_ += later.with_numbers_;
  addresses_.add(later.addresses_);
  with_addresses_ += later.with_addresses_;
  ratios_.add(later.ratios_);
}

void PairCheck::report(const ReportedSet& set, std::vector<Finding>& findings) const {
  const bool is_train = set.name == "train";
  for (const Side side : {Side::source, Side::target}) {
    const Tally& empty = side == Side::source ? empty_source_ : empty_target_;
    if (empty.count() == 0) continue;
    findings.push_back(
        {100 * empty.count() > set.pairs || !is_train ? Severity::warning : Severity::note, "empty",
         set.name,
         fmt::format("empty {} lines: {}", side == Side::source ? "source" : "target",
                     empty.count()),
         empty.count(), set.pairs, set.examples(empty, side),
         is_train
             ? "Training leaves these pairs out (data.min_length). Many in a row: look whether "
               "the two sides are still aligned."
             : "They count in the score: remove these pairs."});
  }
  if (copied_.count() > 0)
    findings.push_back({100 * copied_.count() > set.pairs ? Severity::warning : Severity::note,
                        "copied", set.name,
                        fmt::format("targets that equal their source: {}", copied_.count()),
                        copied_.count(), set.pairs, set.examples(copied_, Side::target),
                        "Where they should have been translated, remove them: a few per cent teach "
                        "a model to copy "
                        "whole sentences."});
  ratios_.report(set, findings);
  // Where they mostly differ, that is the task.
  if (addresses_.count() > 0 && 2 * addresses_.count() < with_addresses_)
    findings.push_back({Severity::note, "addresses", set.name,
                        fmt::format("pairs with different web addresses on the two sides, of {} "
                                    "with any: {}",
                                    with_addresses_, addresses_.count()),
                        addresses_.count(), with_addresses_, set.examples(addresses_, Side::source),
                        "Fine where the task asks for it; else look at them."});
  if (numbers_.count() > 0 && 2 * numbers_.count() < with_numbers_)
    findings.push_back(
        {Severity::note, "numbers", set.name,
         fmt::format(
             "pairs with different numbers on the two sides, of {} with numbers on both: {}",
             with_numbers_, numbers_.count()),
         numbers_.count(), with_numbers_, set.examples(numbers_, Side::target),
         "Fine where the task asks for it; in translations they are often misaligned."});
}

}  // namespace dragoman
