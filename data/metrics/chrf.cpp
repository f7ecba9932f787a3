#include "dragoman/data/metrics/chrf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "dragoman/data/metrics/ngram_index.h"
#include "dragoman/data/metrics/tokenize.h"

namespace dragoman {
namespace {

bool is_ascii_punctuation(char32_t c) {
  return (c >= U'!' && c <= U'/') || (c >= U':' && c <= U'@') || (c >= U'[' && c <= U'`') ||
         (c >= U'{' && c <= U'~');
}

/// Words with one mark of punctuation split off, at the end or else at the start.
std::vector<std::u32string_view> words_and_punctuation(std::u32string_view text) {
  std::vector<std::u32string_view> result;
  for (const auto word : split(text)) {
    if (word.size() > 1 && is_ascii_punctuation(word.back())) {
      result.push_back(word.substr(0, word.size() - 1));
      result.push_back(word.substr(word.size() - 1));
    } else if (word.size() > 1 && is_ascii_punctuation(word.front())) {
      result.push_back(word.substr(0, 1));
      result.push_back(word.substr(1));
    } else {
      result.push_back(word);
    }
  }
  return result;
}

struct ChrfText {
  std::u32string text;
  std::u32string characters;
  std::vector<std::u32string_view> words;  ///< views into text
};

/// Into an existing object, so that the views stay valid.
void read_text(const std::string& line, const ChrfOptions& options, ChrfText& result) {
  result.text = to_code_points(line);
  if (options.lowercase) result.text = to_lower(std::move(result.text));
  result.characters = result.text;
  if (!options.whitespace) std::erase_if(result.characters, is_space);
  if (options.word_order > 0) result.words = words_and_punctuation(result.text);
}

double f_score(std::span<const double> row, const ChrfOptions& options) {
  constexpr double kEpsilon = 1e-16;
  const double factor = static_cast<double>(options.beta) * options.beta;
  double sum_of_scores = 0.0;
  double mean_precision = 0.0;
  double mean_recall = 0.0;
  int effective_order = 0;
  const std::size_t orders = row.size() / 3;
  for (std::size_t order = 0; order < orders; ++order) {
    const double in_hypothesis = row[3 * order];
    const double in_reference = row[3 * order + 1];
    const double in_both = row[3 * order + 2];
    const double precision = in_hypothesis > 0 ? in_both / in_hypothesis : kEpsilon;
    const double recall = in_reference > 0 ? in_both / in_reference : kEpsilon;
    const double denominator = factor * precision + recall;
    sum_of_scores += denominator > 0 ? (1 + factor) * precision * recall / denominator : kEpsilon;
    if (in_hypothesis > 0 && in_reference > 0) {
      mean_precision += precision;
      mean_recall += recall;
      ++effective_order;
    }
  }
  if (options.epsilon_smoothing) return 100.0 * sum_of_scores / static_cast<double>(orders);
  if (effective_order == 0) return 0.0;
  mean_precision /= effective_order;
  mean_recall /= effective_order;
  if (mean_precision + mean_recall == 0.0) return 0.0;
  return 100.0 *
         ((1 + factor) * mean_precision * mean_recall / (factor * mean_precision + mean_recall));
}

class ChrfCounter {
 public:
  explicit ChrfCounter(const ChrfOptions& options)
      : options_(options),
        row_(3 * static_cast<std::size_t>(options.char_order + options.word_order)) {}

  void start_sentence(const std::string& hypothesis) {
    read_text(hypothesis, options_, hypothesis_);
    best_score_ = -1.0;
  }

  /// The reference with the best score stands for the sentence; of equals the first.
  void add_reference(const std::string& line) {
    read_text(line, options_, reference_);
    index_.clear();
    in_reference_.assign(NgramIndex::kWords + 1, 0);
    const auto count = [this](NgramIndex::Node node, std::size_t) {
      if (node >= in_reference_.size()) in_reference_.resize(node + 1, 0);
      ++in_reference_[node];
    };
    index_.add_ngrams(NgramIndex::kCharacters, reference_.characters, options_.char_order, count);
    if (options_.word_order > 0)
      index_.add_ngrams(NgramIndex::kWords, index_.add_words(reference_.words), options_.word_order,
                        count);
    in_reference_.resize(index_.nodes(), 0);

    std::fill(row_.begin(), row_.end(), 0.0);
    in_hypothesis_.assign(index_.nodes(), 0);
    const auto char_order = static_cast<std::size_t>(options_.char_order);
    const auto word_order = static_cast<std::size_t>(options_.word_order);
    index_.find_ngrams(NgramIndex::kCharacters, hypothesis_.characters, options_.char_order,
                       [this](NgramIndex::Node node, std::size_t order) { match(node, order); });
    set_totals(0, char_order, hypothesis_.characters.size(), reference_.characters.size());
    if (options_.word_order > 0) {
      index_.find_ngrams(
          NgramIndex::kWords, index_.find_words(hypothesis_.words), options_.word_order,
          [&](NgramIndex::Node node, std::size_t order) { match(node, char_order + order); });
      set_totals(char_order, word_order, hypothesis_.words.size(), reference_.words.size());
    }
    const double score = f_score(row_, options_);
    if (score <= best_score_) return;
    best_score_ = score;
    best_row_ = row_;
  }

  void append_row(std::vector<double>& values) const {
    values.insert(values.end(), best_row_.begin(), best_row_.end());
  }

 private:
  /// A match in the row's triplet `place`, as often as the reference has it.
  void match(NgramIndex::Node node, std::size_t place) {
    if (++in_hypothesis_[node] <= in_reference_[node]) ++row_[3 * place + 2];
  }

  /// An order that the reference is too short for does not count against the hypothesis.
  void set_totals(std::size_t first, std::size_t orders, std::size_t hypothesis_length,
                  std::size_t reference_length) {
    for (std::size_t order = 0; order < orders; ++order) {
      const double of_reference = ngram_total(reference_length, order + 1);
      row_[3 * (first + order)] =
          of_reference > 0 ? ngram_total(hypothesis_length, order + 1) : 0.0;
      row_[3 * (first + order) + 1] = of_reference;
    }
  }

  const ChrfOptions& options_;
  NgramIndex index_;
  ChrfText hypothesis_;
  ChrfText reference_;
  std::vector<std::int32_t> in_reference_;   ///< of each node
  std::vector<std::int32_t> in_hypothesis_;  ///< of each node
  std::vector<double> row_;
  std::vector<double> best_row_;
  double best_score_ = -1.0;
};

}  // namespace

Statistics chrf_statistics(std::span<const std::string> hypotheses, ReferenceSets references,
                           const ChrfOptions& options) {
  check_references(hypotheses, references);
  if (options.char_order < 0 || options.word_order < 0 ||
      options.char_order + options.word_order < 1)
    throw std::invalid_argument("chrF needs orders of 0 or more, and one above 0");
  Statistics statistics;
  statistics.width = 3 * static_cast<std::int64_t>(options.char_order + options.word_order);
  statistics.values.reserve(hypotheses.size() * static_cast<std::size_t>(statistics.width));
  ChrfCounter counter(options);
  for (std::size_t sentence = 0; sentence < hypotheses.size(); ++sentence) {
    counter.start_sentence(hypotheses[sentence]);
    for (const auto& set : references)
      counter.add_reference(set[sentence]);
    counter.append_row(statistics.values);
  }
  return statistics;
}

ChrfScore chrf_from_statistics(std::span<const double> sums, const ChrfOptions& options) {
  if (sums.size() != 3 * static_cast<std::size_t>(options.char_order + options.word_order))
    throw std::invalid_argument("these are no statistics of chrF with these orders");
  return {f_score(sums, options)};
}

ChrfScore corpus_chrf(std::span<const std::string> hypotheses, ReferenceSets references,
                      const ChrfOptions& options) {
  return chrf_from_statistics(chrf_statistics(hypotheses, references, options).sum(), options);
}

ChrfScore sentence_chrf(const std::string& hypothesis, std::span<const std::string> references,
                        const ChrfOptions& options) {
  std::vector<std::vector<std::string>> sets;
  for (const auto& reference : references)
    sets.push_back({reference});
  return corpus_chrf(std::span(&hypothesis, 1), sets, options);
}

std::string chrf_name(const ChrfOptions& options) {
  return fmt::format("chrF{}{}", options.beta,
                     std::string(static_cast<std::size_t>(options.word_order), '+'));
}

std::string chrf_signature(const ChrfOptions& options, std::int64_t references,
                           const SignatureSampling& sampling) {
  return make_signature(
      references, sampling,
      fmt::format("case:{}|eff:{}|nc:{}|nw:{}|space:{}", options.lowercase ? "lc" : "mixed",
                  options.epsilon_smoothing ? "no" : "yes", options.char_order, options.word_order,
                  options.whitespace ? "yes" : "no"));
}

}  // namespace dragoman
