#include "dragoman/data/metrics/bleu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "dragoman/data/metrics/ngram_index.h"
#include "dragoman/data/metrics/tokenize.h"

namespace dragoman {
namespace {

constexpr double kLogOfZero = -9999999999.0;  // as in mteval and sacreBLEU

double default_smoothing_value(BleuSmoothing smoothing) {
  return smoothing == BleuSmoothing::floor ? 0.1 : 1.0;
}

std::u32string prepare(const std::string& line, const BleuOptions& options) {
  std::u32string text = to_code_points(line);
  if (options.lowercase) text = to_lower(std::move(text));
  return tokenize_for_bleu(strip_right(text), options.tokenizer);
}

/// Counts one sentence at a time; keeps its memory from one to the next.
class BleuCounter {
 public:
  explicit BleuCounter(const BleuOptions& options) : options_(options) {}

  void start_sentence() {
    index_.clear();
    most_.assign(NgramIndex::kWords + 1, 0);
    reference_lengths_.clear();
  }

  /// Keeps, of each n-gram, the greatest count in any reference.
  void add_reference(const std::string& line) {
    const std::u32string text = prepare(line, options_);
    const auto words = split(text);
    reference_lengths_.push_back(static_cast<std::int64_t>(words.size()));
    const auto numbers = index_.add_words(words);
    counts_.assign(index_.nodes(), 0);
    index_.add_ngrams(NgramIndex::kWords, numbers, options_.max_order,
                      [this](NgramIndex::Node node, std::size_t) {
                        if (node >= counts_.size()) counts_.resize(node + 1, 0);
                        ++counts_[node];
                      });
    most_.resize(index_.nodes(), 0);
    for (std::size_t node = 0; node < counts_.size(); ++node)
      most_[node] = std::max(most_[node], counts_[node]);
  }

  void append_row(const std::string& line, std::vector<double>& values) {
    const std::u32string text = prepare(line, options_);
    const auto words = split(text);
    const auto orders = static_cast<std::size_t>(options_.max_order);
    std::vector<double> matches(orders, 0.0);
    counts_.assign(index_.nodes(), 0);
    index_.find_ngrams(NgramIndex::kWords, index_.find_words(words), options_.max_order,
                       [&](NgramIndex::Node node, std::size_t order) {
                         if (++counts_[node] <= most_[node]) ++matches[order];
                       });
    const auto length = static_cast<std::int64_t>(words.size());
    values.push_back(static_cast<double>(length));
    values.push_back(static_cast<double>(closest_reference_length(length)));
    values.insert(values.end(), matches.begin(), matches.end());
    for (std::size_t order = 1; order <= orders; ++order)
      values.push_back(ngram_total(words.size(), order));
  }

 private:
  [[nodiscard]] std::int64_t closest_reference_length(std::int64_t length) const {
    return *std::min_element(reference_lengths_.begin(), reference_lengths_.end(),
                             [length](std::int64_t left, std::int64_t right) {
                               return std::pair(std::abs(left - length), left) <
                                      std::pair(std::abs(right - length), right);
                             });
  }

  const BleuOptions& options_;
  NgramIndex index_;
  std::vector<std::int32_t> most_;    ///< of each node, in the references
  std::vector<std::int32_t> counts_;  ///< of each node, in the text at hand
  std::vector<std::int64_t> reference_lengths_;
};

double brevity_penalty(double hypothesis_length, double reference_length) {
  if (hypothesis_length >= reference_length) return 1.0;
  return hypothesis_length > 0 ? std::exp(1.0 - reference_length / hypothesis_length) : 0.0;
}

/// Fills `precisions` and returns how many orders count.
int smoothed_precisions(std::span<const double> counts, std::span<const double> totals,
                        const BleuOptions& options, std::vector<double>& precisions) {
  const double value = options.smoothing_value.value_or(default_smoothing_value(options.smoothing));
  int counted_orders = options.max_order;
  double unmatched = 1.0;
  for (std::size_t order = 0; order < precisions.size(); ++order) {
    const double added = options.smoothing == BleuSmoothing::add_k && order > 0 ? value : 0.0;
    const double count = counts[order] + added;
    const double total = totals[order] + added;
    if (total == 0.0) break;
    if (options.effective_order) counted_orders = static_cast<int>(order) + 1;
    if (count != 0.0) {
      precisions[order] = 100.0 * count / total;
    } else if (options.smoothing == BleuSmoothing::exp) {
      unmatched *= 2.0;
      precisions[order] = 100.0 / (unmatched * total);
    } else if (options.smoothing == BleuSmoothing::floor) {
      precisions[order] = 100.0 * value / total;
    }
  }
  return counted_orders;
}

}  // namespace

double BleuScore::ratio() const {
  if (reference_length == 0) return 0.0;
  return static_cast<double>(hypothesis_length) / static_cast<double>(reference_length);
}

std::string BleuScore::details() const {
  std::string text;
  for (const double precision : precisions)
    text += fmt::format("{}{:.1f}", text.empty() ? "" : "/", precision);
  return fmt::format("{} (BP = {:.3f} ratio = {:.3f} hyp_len = {} ref_len = {})", text,
                     brevity_penalty, ratio(), hypothesis_length, reference_length);
}

Statistics bleu_statistics(std::span<const std::string> hypotheses, ReferenceSets references,
                           const BleuOptions& options) {
  check_references(hypotheses, references);
  if (options.max_order < 1) throw std::invalid_argument("BLEU needs max_order >= 1");
  Statistics statistics;
  statistics.width = 2 + 2 * static_cast<std::int64_t>(options.max_order);
  statistics.values.reserve(hypotheses.size() * static_cast<std::size_t>(statistics.width));
  BleuCounter counter(options);
  for (std::size_t sentence = 0; sentence < hypotheses.size(); ++sentence) {
    counter.start_sentence();
    for (const auto& set : references)
      counter.add_reference(set[sentence]);
    counter.append_row(hypotheses[sentence], statistics.values);
  }
  return statistics;
}

BleuScore bleu_from_statistics(std::span<const double> sums, const BleuOptions& options) {
  const auto orders = static_cast<std::size_t>(options.max_order);
  if (sums.size() != 2 + 2 * orders)
    throw std::invalid_argument("these are no statistics of BLEU with this max_order");
  const auto counts = sums.subspan(2, orders);
  const auto totals = sums.subspan(2 + orders, orders);
  BleuScore result;
  result.hypothesis_length = static_cast<std::int64_t>(sums[0]);
  result.reference_length = static_cast<std::int64_t>(sums[1]);
  for (const double count : counts)
    result.counts.push_back(static_cast<std::int64_t>(count));
  for (const double total : totals)
    result.totals.push_back(static_cast<std::int64_t>(total));
  result.precisions.assign(orders, 0.0);
  result.brevity_penalty = brevity_penalty(sums[0], sums[1]);
  const bool any_match = std::any_of(counts.begin(), counts.end(), [](double c) { return c != 0; });
  if (!any_match) return result;

  const int counted = smoothed_precisions(counts, totals, options, result.precisions);
  double sum_of_logs = 0.0;
  for (int order = 0; order < counted; ++order) {
    const double precision = result.precisions[static_cast<std::size_t>(order)];
    sum_of_logs += precision == 0.0 ? kLogOfZero : std::log(precision);
  }
  result.score = result.brevity_penalty * std::exp(sum_of_logs / counted);
  return result;
}

BleuScore corpus_bleu(std::span<const std::string> hypotheses, ReferenceSets references,
                      const BleuOptions& options) {
  auto sums = bleu_statistics(hypotheses, references, options).sum();
  return bleu_from_statistics(sums, options);
}

BleuScore sentence_bleu(const std::string& hypothesis, std::span<const std::string> references,
                        const BleuOptions& options) {
  std::vector<std::vector<std::string>> sets;
  for (const auto& reference : references)
    sets.push_back({reference});
  return corpus_bleu(std::span(&hypothesis, 1), sets, options);
}

std::string bleu_signature(const BleuOptions& options, std::int64_t references,
                           const SignatureSampling& sampling) {
  const auto name_of = [](auto value) {
    const auto table = names(value);
    return std::find_if(table.begin(), table.end(),
                        [&](const auto& entry) { return entry.second == value; })
        ->first;
  };
  std::string smoothing(name_of(options.smoothing));
  if (options.smoothing == BleuSmoothing::floor || options.smoothing == BleuSmoothing::add_k)
    smoothing += fmt::format(
        "[{:.2f}]", options.smoothing_value.value_or(default_smoothing_value(options.smoothing)));
  return make_signature(
      references, sampling,
      fmt::format("case:{}|eff:{}|tok:{}|smooth:{}", options.lowercase ? "lc" : "mixed",
                  options.effective_order ? "yes" : "no", name_of(options.tokenizer), smoothing));
}

bool looks_tokenized(std::span<const std::string> hypotheses) {
  constexpr std::ptrdiff_t kSuspicious = 100;
  return std::count_if(hypotheses.begin(), hypotheses.end(),
                       [](const std::string& line) { return line.ends_with(" ."); }) >= kSuspicious;
}

}  // namespace dragoman
