#include "dragoman/data/metrics/rouge.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>

#include "dragoman/data/metrics/common_subsequence.h"
#include "dragoman/data/metrics/ngram_index.h"
#include "dragoman/data/metrics/porter_stemmer.h"

namespace dragoman {
namespace {

constexpr std::size_t kShortestStemmed = 4;

/// `found(word)` for each word. Two characters beyond ASCII have letters of ASCII as lower case:
/// the Kelvin sign, and I with a dot above, whose lower case is an i and a combining dot.
template <typename Found>
void for_each_word(std::string_view text, Found found) {
  constexpr std::string_view kKelvin = "\u212a";
  constexpr std::string_view kDottedI = "\u0130";
  std::string word;
  const auto end_word = [&word, &found] {
    if (!word.empty()) found(word);
    word.clear();
  };
  for (std::size_t place = 0; place < text.size(); ++place) {
    const char letter = text[place];
    if ((letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9')) {
      word += letter;
    } else if (letter >= 'A' && letter <= 'Z') {
      word += static_cast<char>(letter - 'A' + 'a');
    } else if (text.substr(place, kKelvin.size()) == kKelvin) {
      word += 'k';
      place += kKelvin.size() - 1;
    } else {
      if (text.substr(place, kDottedI.size()) == kDottedI) word += 'i';
      end_word();
    }
  }
  end_word();
}

using Tokens = std::vector<std::uint32_t>;

/// Numbers for words, equal for equal words; with the stemmer, for words of equal stem.
class WordNumbers {
 public:
  explicit WordNumbers(bool stems) : stems_(stems) {}

  void append(std::string_view text, Tokens& tokens) {
    for_each_word(text, [this, &tokens](const std::string& word) { tokens.push_back(of(word)); });
  }
  [[nodiscard]] std::size_t size() const { return next_; }

 private:
  std::uint32_t of(const std::string& word) {
    const auto [entry, is_new] = of_word_.try_emplace(word, next_);
    if (!is_new) return entry->second;
    if (stems_) {
      const bool is_long = word.size() >= kShortestStemmed;
      entry->second =
          of_stem_.try_emplace(is_long ? stemmer_.stem(word) : word, next_).first->second;
    }
    if (entry->second == next_) ++next_;
    return entry->second;
  }

  bool stems_;
  PorterStemmer stemmer_;
  std::unordered_map<std::string, std::uint32_t> of_word_;
  std::unordered_map<std::string, std::uint32_t> of_stem_;
  std::uint32_t next_ = 0;
};

std::int64_t length_of(const std::vector<Tokens>& sentences) {
  std::size_t length = 0;
  for (const Tokens& sentence : sentences)
    length += sentence.size();
  return static_cast<std::int64_t>(length);
}

/// Precision, recall and F of one hypothesis against each of its references.
class RougeCounter {
 public:
  explicit RougeCounter(const RougeOptions& options)
      : options_(options), numbers_(options.stemmer) {}

  void start_sentence(std::string_view hypothesis) {
    read(hypothesis, hypothesis_);
    best_ = {1.0, 0.0, 0.0, -1.0};
    if (options_.unit == RougeUnit::subsequence) common_.set_columns(hypothesis_.front());
  }

  void add_reference(std::string_view text) {
    read(text, reference_);
    double matches = 0.0;
    auto in_hypothesis = static_cast<double>(length_of(hypothesis_));
    auto in_reference = static_cast<double>(length_of(reference_));
    if (options_.unit == RougeUnit::ngrams) {
      const auto order = static_cast<std::size_t>(options_.order);
      in_hypothesis = ngram_total(hypothesis_.front().size(), order);
      in_reference = ngram_total(reference_.front().size(), order);
      matches = static_cast<double>(common_ngrams());
    } else if (options_.unit == RougeUnit::subsequence) {
      matches = static_cast<double>(common_.length(reference_.front()));
    } else {
      matches = static_cast<double>(common_in_sentences());
    }
    const double precision = matches / std::max(in_hypothesis, 1.0);
    const double recall = matches / std::max(in_reference, 1.0);
    const double f_score =
        precision + recall > 0.0 ? 2.0 * precision * recall / (precision + recall) : 0.0;
    if (f_score > best_.back()) best_ = {1.0, precision, recall, f_score};
  }

  void append_row(std::vector<double>& values) const {
    values.insert(values.end(), best_.begin(), best_.end());
  }

 private:
  /// At least one sentence; one and no more unless the unit is sentences.
  void read(std::string_view text, std::vector<Tokens>& sentences) {
    const std::string_view separator =
        options_.sentence_separator ? std::string_view(*options_.sentence_separator) : "\n";
    sentences.assign(1, {});
    while (true) {
      const std::size_t end = text.find(separator);
      numbers_.append(text.substr(0, end), sentences.back());
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + separator.size());
      if (options_.unit == RougeUnit::sentences) sentences.emplace_back();
    }
  }

  std::int64_t common_ngrams() {
    const auto place = static_cast<std::size_t>(options_.order) - 1;
    ngrams_.clear();
    unmatched_.clear();
    ngrams_.add_ngrams(NgramIndex::kWords, reference_.front(), options_.order,
                       [this, place](NgramIndex::Node node, std::size_t order) {
                         unmatched_.resize(ngrams_.nodes(), 0);
                         if (order == place) ++unmatched_[node];
                       });
    std::int64_t matches = 0;
    ngrams_.find_ngrams(NgramIndex::kWords, hypothesis_.front(), options_.order,
                        [this, place, &matches](NgramIndex::Node node, std::size_t order) {
                          if (order != place || unmatched_[node] == 0) return;
                          --unmatched_[node];
                          ++matches;
                        });
    return matches;
  }

  /// Words of the union, each counted no more often than the hypothesis has it.
  std::int64_t common_in_sentences() {
    std::vector<std::vector<bool>> in_common;
    for (const Tokens& sentence : reference_)
      in_common.emplace_back(sentence.size(), false);
    if (unmatched_.size() < numbers_.size()) unmatched_.resize(numbers_.size(), 0);
    for (const Tokens& candidate : hypothesis_) {
      common_.set_columns(candidate);
      for (std::size_t sentence = 0; sentence < reference_.size(); ++sentence)
        common_.mark(reference_[sentence], in_common[sentence]);
      for (const std::uint32_t word : candidate)
        ++unmatched_[word];
    }
    std::int64_t matches = 0;
    for (std::size_t sentence = 0; sentence < reference_.size(); ++sentence) {
      for (std::size_t place = 0; place < reference_[sentence].size(); ++place) {
        std::int32_t& left = unmatched_[reference_[sentence][place]];
        if (!in_common[sentence][place] || left == 0) continue;
        --left;
        ++matches;
      }
    }
    for (const Tokens& candidate : hypothesis_) {
      for (const std::uint32_t word : candidate)
        unmatched_[word] = 0;
    }
    return matches;
  }

  const RougeOptions& options_;
  WordNumbers numbers_;
  NgramIndex ngrams_;
  CommonSubsequence common_;
  std::vector<Tokens> hypothesis_;
  std::vector<Tokens> reference_;
  std::vector<std::int32_t> unmatched_;  ///< of each n-gram, or of each word
  std::array<double, 4> best_{};
};

}  // namespace

std::string RougeScore::details() const {
  return fmt::format("(P = {:.2f} R = {:.2f})", precision, recall);
}

std::string rouge_name(const RougeOptions& options) {
  if (options.unit == RougeUnit::subsequence) return "rougeL";
  if (options.unit == RougeUnit::sentences) return "rougeLsum";
  return fmt::format("rouge{}", options.order);
}

Statistics rouge_statistics(std::span<const std::string> hypotheses, ReferenceSets references,
                            const RougeOptions& options) {
  check_references(hypotheses, references);
  if (options.order < 1 || options.order > 9)
    throw std::invalid_argument("ROUGE-N needs an order from 1 to 9");
  if (options.sentence_separator && options.sentence_separator->empty())
    throw std::invalid_argument("ROUGE needs a sentence separator that is not empty");
  Statistics statistics;
  statistics.width = 4;
  statistics.values.reserve(4 * hypotheses.size());
  RougeCounter counter(options);
  for (std::size_t sentence = 0; sentence < hypotheses.size(); ++sentence) {
    counter.start_sentence(hypotheses[sentence]);
    for (const auto& set : references)
      counter.add_reference(set[sentence]);
    counter.append_row(statistics.values);
  }
  return statistics;
}

RougeScore rouge_from_statistics(std::span<const double> sums) {
  if (sums.size() != 4) throw std::invalid_argument("these are no statistics of ROUGE");
  const double scale = 100.0 / std::max(sums[0], 1.0);
  return {.score = scale * sums[3], .precision = scale * sums[1], .recall = scale * sums[2]};
}

RougeScore corpus_rouge(std::span<const std::string> hypotheses, ReferenceSets references,
                        const RougeOptions& options) {
  return rouge_from_statistics(rouge_statistics(hypotheses, references, options).sum());
}

RougeScore sentence_rouge(const std::string& hypothesis, std::span<const std::string> references,
                          const RougeOptions& options) {
  std::vector<std::vector<std::string>> sets;
  for (const auto& reference : references)
    sets.push_back({reference});
  return corpus_rouge(std::span(&hypothesis, 1), sets, options);
}

std::string rouge_signature(const RougeOptions& options, std::int64_t references,
                            const SignatureSampling& sampling) {
  std::string fields =
      fmt::format("case:lc|tok:rouge-score-0.1.2|stem:{}", options.stemmer ? "porter" : "no");
  if (options.unit == RougeUnit::sentences)
    fields += options.sentence_separator ? "|sents:marked" : "|sents:newline";
  return make_signature(references, sampling, fields);
}

std::vector<std::string> rouge_words(std::string_view text) {
  std::vector<std::string> words;
  for_each_word(text, [&words](const std::string& word) { words.push_back(word); });
  return words;
}

}  // namespace dragoman
