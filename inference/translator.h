// The public API: a loaded model that translates text. Standard library only; thread-safe.
//
//   dragoman::Translator translator("model.pt", {.threads = 2});
//   dragoman::Translation t = translator.translate("Two dogs play in the snow.");
//   std::cout << t.text() << '\n';
//
//   dragoman::PendingTranslation later = translator.submit(text, translator.defaults());
//   ...                                  // shares a batch with what other threads submit
//   std::cout << later.get().text() << '\n';
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dragoman/inference/alignment.h"
#include "dragoman/inference/decoding_options.h"
#include "dragoman/inference/request_options.h"

namespace dragoman {

/// Of the weights and of the products with them; stored: as the model file has them. On a CPU bf16
/// and int8 are of the weights; sums, attention and everything else stay float. int8 is for CPUs
/// only.
enum class Precision { stored, fp32, bf16, int8 };
constexpr auto names(Precision) {
  return std::to_array<std::pair<std::string_view, Precision>>({{"stored", Precision::stored},
                                                                {"fp32", Precision::fp32},
                                                                {"bf16", Precision::bf16},
                                                                {"int8", Precision::int8}});
}

struct TranslatorOptions {
  std::string device = "cpu";  ///< cpu, cuda, cuda:1
  /// Several in place of `device`, "cuda:0,cuda:1": the model is on each, and workers of all share
  /// what there is to translate. Names may come twice.
  std::string devices = {};
  Precision precision = Precision::stored;
  std::int64_t threads = 0;  ///< CPU threads; 0: one per core, and one per GPU
  /// CPU threads that compute a batch together: more give the shortest time to an answer, 1 the
  /// most answers. There are threads / threads_per_worker workers.
  std::int64_t threads_per_worker = 1;
  std::int64_t batch_size = 32;  ///< sentences decoded together by one worker
  /// File of `dragoman shortlist`, for CPUs; empty: every word may be generated.
  std::string shortlist = {};
  /// Run the code of models that TorchScript of other programs wrote (docs/torchscript.md); native
  /// model files run none. Only for files whose origin you trust.
  bool allow_scripts = false;
  /// SentencePiece models for scripted models that bring none along; the target's empty: one for
  /// both sides.
  std::string source_tokenizer = {};
  std::string target_tokenizer = {};
  QueueOptions queue = {};  ///< of requests given to submit and translate_stream

  static void fields(auto& self, auto&& visit) {
    visit("device", self.device, "cpu, cuda or cuda:N");
    visit("devices", self.devices,
          "several in place of device, such as cuda:0,cuda:1: the model is on each, and workers of "
          "all share the input; empty: device");
    visit("precision", self.precision,
          "of the weights and of the products with them; stored: as the model file has them");
    visit("threads", self.threads, "CPU threads; 0: one per core", 0, 1024);
    visit(
        "threads_per_worker", self.threads_per_worker,
        "CPU threads that compute a batch together: more for the shortest time to an answer, 1 for "
        "the most answers; there are threads / threads_per_worker workers",
        1, 1024);
    visit("batch_size", self.batch_size, "sentences computed together by one worker", 1, 100000);
    visit("shortlist", self.shortlist,
          "file of dragoman shortlist: outputs are made of its candidates for the source, which is "
          "faster; empty: of all words");
    visit("allow_scripts", self.allow_scripts,
          "run the code of TorchScript models of other programs; only for files that you trust");
    visit("source_tokenizer", self.source_tokenizer,
          "SentencePiece model of a scripted model that brings none along");
    visit("target_tokenizer", self.target_tokenizer,
          "the same of the target; empty: one for both sides");
    visit("queue", self.queue, "requests of many threads");
  }
  void check(auto&&) const {}
};

/// How the probabilities of several models become one. linear: the mean (what one model alone can
/// copy stays possible). log_linear: the normalised geometric mean (what one excludes is excluded).
enum class Ensembling { linear, log_linear };
constexpr auto names(Ensembling) {
  return std::to_array<std::pair<std::string_view, Ensembling>>(
      {{"linear", Ensembling::linear}, {"log_linear", Ensembling::log_linear}});
}

struct EnsembleOptions {
  Ensembling ensembling = Ensembling::linear;
  /// One per model, positive, only their proportions count; empty: equal ones.
  std::vector<double> weights = {};
};

/// What became of a sentence.
enum class Status {
  ok,
  empty_input,        ///< nothing to translate; the text is empty
  source_truncated,   ///< the source was cut to max_source_length
  length_capped,      ///< the output reached its length limit before </s>
  constraints_unmet,  ///< the output does not hold all of DecodingOptions::constraints
  looped              ///< the output repeats itself (DecodingOptions::loop_repeats)
};
[[nodiscard]] std::string_view name(Status status);

/// What one text of a call asks for beside the options that all texts share.
struct TextOptions {
  std::string prefix = {};                    ///< not empty: in place of DecodingOptions::prefix
  std::vector<std::string> constraints = {};  ///< beside DecodingOptions::constraints
  /// What stands for the text's place among the texts when outputs are drawn; -1: its index.
  std::int64_t number = -1;
};

/// A part of an output that was copied from the source. Bytes.
struct CopiedSpan {
  std::size_t begin = 0;  ///< in the output
  std::size_t end = 0;
  std::size_t source_begin = 0;
  std::size_t source_end = 0;
  double probability = 0.0;  ///< that its tokens were copied, not generated: the least of them
};

/// What became of the protected spans of a source in an output.
struct Protection {
  std::int64_t spans = 0;             ///< in the source
  std::vector<std::string> missing;   ///< not in the output
  std::vector<std::string> repeated;  ///< more often in the output than in the source
  [[nodiscard]] bool kept() const { return missing.empty() && repeated.empty(); }
};

struct Hypothesis {
  std::string text;
  std::vector<std::string> tokens;   ///< pieces, without </s>
  std::vector<double> token_scores;  ///< log-probability of each piece, then of </s> when it ended
  double log_probability = 0.0;      ///< sum of token_scores
  /// What hypotheses are compared by: log_probability, less what repetition_penalty takes, after
  /// length normalisation. Best is first, but for samples, which come as they were drawn, and under
  /// mbr_candidates.
  double score = 0.0;
  /// From models with a copy head, when DecodingOptions::provenance asks for it; of each piece: the
  /// probability that it was copied, and the source token that it was most likely copied from (-1:
  /// the source does not hold it).
  std::vector<double> copy_probabilities;
  std::vector<std::int64_t> source_positions;
  std::vector<CopiedSpan> copied;              ///< in the order of the text
  Protection protection;                       ///< when DecodingOptions::protect asks for it
  std::vector<std::string> unmet_constraints;  ///< those that are not in the text as whole words
  Alignment alignment;  ///< when DecodingOptions::alignment asks for it; else empty
  /// Under mbr_candidates: the mean chrF (0 to 100) against all candidates; the greatest is first.
  double expected_chrf = 0.0;
};

struct Translation {
  std::vector<Hypothesis> hypotheses;  ///< n_best at most, best first; never empty
  Status status = Status::ok;          ///< the first of `warnings`; ok when there are none
  /// All that applies, in the order of the enumeration: a source may have been cut and its
  /// translation have reached its limit as well.
  std::vector<Status> warnings = {};
  double queued_ms = 0.0;     ///< from the call until its batch was begun
  double computing_ms = 0.0;  ///< from then until the result was there

  [[nodiscard]] const std::string& text() const { return hypotheses.front().text; }
  [[nodiscard]] const Alignment& alignment() const { return hypotheses.front().alignment; }
  [[nodiscard]] bool has(Status warning) const {
    return std::find(warnings.begin(), warnings.end(), warning) != warnings.end();
  }
};

/// log p(target | source), per token.
struct Score {
  std::vector<std::string> tokens;
  std::vector<double> token_scores;  ///< of each piece, then of </s>
  double log_probability = 0.0;
  Alignment alignment;  ///< when AlignmentOptions::alignment asks for it; else empty
};

class TranslationRequest;

/// A translation that was asked for with Translator::submit. May outlive the translator.
class PendingTranslation {
 public:
  PendingTranslation() = default;
  /// Cancels the request if it has no answer yet: nobody could fetch it any more.
  ~PendingTranslation();
  PendingTranslation(PendingTranslation&&) noexcept = default;
  PendingTranslation& operator=(PendingTranslation&& other) noexcept;

  /// Waits for the answer and returns it, once; a second call is a UsageError. Throws
  /// CancelledError, DeadlineError, UnavailableError (the translator was shut down), or what went
  /// wrong with this request.
  [[nodiscard]] Translation get();
  /// True: get() would not wait.
  [[nodiscard]] bool wait_for(std::chrono::milliseconds time) const;
  /// The answer is CancelledError from now on, unless there is one already. Takes effect also while
  /// the request is computed: it leaves its batch at the next token. Other threads may call it,
  /// also during get() or wait_for().
  void cancel() const;

 private:
  friend class Translator;
  explicit PendingTranslation(std::shared_ptr<TranslationRequest> request);
  std::shared_ptr<TranslationRequest> request_;
};

class Translator {
 public:
  /// Loads eagerly; slow. Throws ModelError, UsageError (device).
  explicit Translator(const std::string& model_path, const TranslatorOptions& options = {});
  /// Several models of the same tokenisers that decide together; defaults are those of the first.
  [[nodiscard]] static Translator ensemble(const std::vector<std::string>& model_paths,
                                           const EnsembleOptions& ensembling = {},
                                           const TranslatorOptions& options = {});
  ~Translator();
  Translator(Translator&&) noexcept;
  Translator& operator=(Translator&&) noexcept;

  /// The decoding defaults stored with the model.
  [[nodiscard]] const DecodingOptions& defaults() const;
  /// What was odd about the model file but did not stop it from loading, a sentence each: settings
  /// that this version does not know. Usually none.
  [[nodiscard]] const std::vector<std::string>& warnings() const;

  [[nodiscard]] Translation translate(const std::string& text) const;
  [[nodiscard]] Translation translate(const std::string& text,
                                      const DecodingOptions& options) const;
  /// As many results as texts, in their order. `own`: one per text, or empty.
  [[nodiscard]] std::vector<Translation> translate_batch(
      std::span<const std::string> texts, const DecodingOptions& options,
      std::span<const TextOptions> own = {}) const;
  /// Returns at once, or when the queue has room (QueueOptions::when_full). Requests of all threads
  /// share batches, which makes many short ones several times as fast as translate() for each.
  /// Throws UsageError for a text or options that cannot be used, UnavailableError when the queue
  /// is full or shut down. `on_ready` is called once when get() would no longer wait, perhaps
  /// already during submit: on a thread of the translator, or by who cancels. It must be short,
  /// must not throw and must not destroy or shut down the translator.
  [[nodiscard]] PendingTranslation submit(std::string text, const DecodingOptions& options,
                                          const RequestOptions& request = {},
                                          std::function<void()> on_ready = {}) const;
  /// Calls `on_text`, on this thread, with each further part of the best translation as soon as it
  /// is sure: nothing is taken back, characters are whole, and together the parts are the text of
  /// the result. When `on_text` returns false, or throws, the request is cancelled, and
  /// CancelledError or what it threw comes out. Throws what submit() and get() throw.
  Translation translate_stream(std::string text, const DecodingOptions& options,
                               const std::function<bool(std::string_view)>& on_text,
                               const RequestOptions& request = {}) const;
  /// Ends submit() and translate_stream(); returns when every request has its answer. The
  /// destructor does the same with Shutdown::finish.
  void shutdown(Shutdown mode) const;

  [[nodiscard]] std::vector<Score> score_batch(std::span<const std::string> sources,
                                               std::span<const std::string> targets,
                                               const AlignmentOptions& alignment = {}) const;

 private:
  struct State;
  explicit Translator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace dragoman
