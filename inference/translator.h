// The public API: a loaded model that translates text. Standard library only; thread-safe.
//
//   dragoman::Translator translator("model.pt", {.threads = 2});
//   dragoman::Translation t = translator.translate("Two dogs play in the snow.");
//   std::cout << t.text() << '\n';
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/inference/decoding_options.h"

namespace dragoman {

enum class Precision { fp32, bf16 };

struct TranslatorOptions {
  std::string device = "cpu";  ///< cpu, cuda, cuda:1
  Precision precision = Precision::fp32;
  std::int64_t threads = 0;      ///< CPU worker threads; 0: one per core
  std::int64_t batch_size = 32;  ///< sentences decoded together by one worker
};

/// What became of a sentence.
enum class Status {
  ok,
  empty_input,       ///< nothing to translate; the text is empty
  source_truncated,  ///< the source was cut to max_source_length
  length_capped      ///< the output reached its length limit before </s>
};
[[nodiscard]] std::string_view name(Status status);

struct Hypothesis {
  std::string text;
  std::vector<std::string> tokens;   ///< pieces, without </s>
  std::vector<double> token_scores;  ///< log-probability of each piece, then of </s> when it ended
  double log_probability = 0.0;      ///< sum of token_scores
  double score = 0.0;                ///< log_probability after length normalisation; best is first
};

struct Translation {
  std::vector<Hypothesis> hypotheses;  ///< n_best at most, best first; never empty
  Status status = Status::ok;
  [[nodiscard]] const std::string& text() const { return hypotheses.front().text; }
};

/// log p(target | source), per token.
struct Score {
  std::vector<std::string> tokens;
  std::vector<double> token_scores;  ///< of each piece, then of </s>
  double log_probability = 0.0;
};

class Translator {
 public:
  /// Loads eagerly; slow. Throws ModelError, UsageError (device).
  explicit Translator(const std::string& model_path, const TranslatorOptions& options = {});
  ~Translator();
  Translator(Translator&&) noexcept;
  Translator& operator=(Translator&&) noexcept;

  /// The decoding defaults stored with the model.
  [[nodiscard]] const DecodingOptions& defaults() const;

  [[nodiscard]] Translation translate(const std::string& text) const;
  [[nodiscard]] Translation translate(const std::string& text,
                                      const DecodingOptions& options) const;
  /// As many results as texts, in their order.
  [[nodiscard]] std::vector<Translation> translate_batch(std::span<const std::string> texts,
                                                         const DecodingOptions& options) const;
  [[nodiscard]] std::vector<Score> score_batch(std::span<const std::string> sources,
                                               std::span<const std::string> targets) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dragoman
