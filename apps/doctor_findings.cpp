// Settings that do not go with the data or with each other, and whether copying can help.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <string_view>
#include <tuple>

#include "apps/doctor.h"
#include "dragoman/training/run_directory.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

/// Checks in the order of their weight: what spoils results, what stops training, what costs
/// quality, what is good to know.
constexpr auto kOrder = std::to_array<std::string_view>(
    {"unreadable", "invalid-text",    "tokenizer",  "run-directory", "dev-is-train",
     "leak",       "source-leak",     "dropped",    "script",        "mojibake",
     "empty",      "length-ratio",    "copied",     "positions",     "warm-up",
     "validation", "batch",           "vocabulary", "unknown",       "copy-head",
     "duplicates", "several-targets", "passes",     "control",       "numbers",
     "addresses",  "several-sources", "cut",        "white-space",   "spaces"});

constexpr std::int64_t kFewUses = 5;

class SettingsCheck {
 public:
  SettingsCheck(const Diagnosis& diagnosis, std::vector<Finding>& findings)
      : diagnosis_(diagnosis), findings_(findings) {}

  void check_run_directory() const;
  void check_dev() const;
  void check_schedule() const;
  void check_validation() const;
  void check_batches() const;
  void check_passes() const;
  void check_vocabulary(const PairEncoder& encoder) const;
  void check_copying() const;

 private:
  void say(Severity severity, const char* check, std::string message, std::string advice) const {
    findings_.push_back({.severity = severity,
                         .check = check,
                         .subject = "settings",
                         .message = std::move(message),
                         .advice = std::move(advice)});
  }
  [[nodiscard]] const TrainingConfig& training() const { return diagnosis_.config.training; }
  [[nodiscard]] const DataConfig& data() const { return diagnosis_.config.data; }

  const Diagnosis& diagnosis_;
  std::vector<Finding>& findings_;
};

void SettingsCheck::check_run_directory() const {
  if (has_checkpoints(training().output))
    say(Severity::note, "run-directory",
        fmt::format("{} holds checkpoints of an earlier run; its tokenisers were used here",
                    training().output),
        "Go on with it by train --resume, or choose another training.output.");
}

void SettingsCheck::check_dev() const {
  const CorpusConfig& dev = data().dev;
  if (dev.source.empty()) {
    say(Severity::warning, "validation",
        "data.dev is not set: nothing shows whether the model learns",
        "Hold back some hundred pairs; without them no best checkpoint can be chosen.");
    return;
  }
  std::error_code ignored;
  for (const CorpusConfig& corpus : data().train)
    if (fs::equivalent(dev.source, corpus.source, ignored))
      say(Severity::error, "dev-is-train",
          fmt::format("data.dev is the training corpus {}", corpus.source),
          "Give pairs that training does not see.");
}

void SettingsCheck::check_schedule() const {
  const double updates = diagnosis_.updates();
  const auto warmup = static_cast<double>(training().warmup_steps);
  if (warmup >= updates)
    say(Severity::warning, "warm-up",
        fmt::format("training.warmup_steps {} is not over when training ends after {:.0f} updates",
                    training().warmup_steps, updates),
        fmt::format("Use some 5 % to 10 % of them, {:.0f}, or train longer.",
                    std::ceil(updates / 15)));
  else if (2 * warmup > updates)
    say(Severity::warning, "warm-up",
        fmt::format("training.warmup_steps {} takes more than half of {:.0f} updates",
                    training().warmup_steps, updates),
        "Use some 5 % to 10 % of them.");
}

void SettingsCheck::check_validation() const {
  if (data().dev.source.empty()) return;
  const double updates = diagnosis_.updates();
  const std::int64_t every = training().validate_every;
  if (every == 0 || static_cast<double>(every) > updates) {
    say(Severity::warning, "validation",
        every == 0 ? "training.validate_every is 0: data.dev is never used"
                   : fmt::format("training.validate_every {} is never reached in {:.0f} updates",
                                 every, updates),
        "Validate some ten times in a run.");
  } else if (const auto times = static_cast<std::int64_t>(updates) / every;
             training().average_best > times) {
    say(Severity::note, "validation",
        fmt::format("training.average_best {} averages all there is: {} validations",
                    training().average_best, times),
        "Validate (and save) more often, or average fewer.");
  }
}

void SettingsCheck::check_batches() const {
  if (!diagnosis_.epoch) return;
  const EpochEstimate& epoch = *diagnosis_.epoch;
  if (epoch.sentences_alone > 0)
    say(Severity::note, "batch",
        fmt::format(
            "{:.0f} pairs of an epoch are longer than data.batch_tokens {} and make a batch "
            "each",
            epoch.sentences_alone, data().batch_tokens.value),
        "They need more memory than the budget says: raise it, or lower data.max_length.");
  const double sentences =
      epoch.sentences / std::max(epoch.batches, 1.0) * static_cast<double>(training().accumulate);
  if (sentences < 8 && epoch.sentences > 8)
    say(Severity::warning, "batch",
        fmt::format("an update sees {:.1f} pairs on average", sentences),
        "Its gradient is mostly noise: raise data.batch_tokens, or training.accumulate.");
}

void SettingsCheck::check_passes() const {
  if (!diagnosis_.epoch) return;
  const double passes = diagnosis_.updates() / diagnosis_.updates_per_epoch();
  if (passes < 1)
    say(Severity::note, "passes",
        fmt::format("training ends after {:.2f} of a pass over the data", passes),
        "Some pairs are never seen: raise training.max_steps, or the batches.");
  else if (passes > 50 && diagnosis_.config.model.dropout < 0.05)
    say(Severity::note, "passes",
        fmt::format("training passes over the data {:.0f} times with a dropout of {}", passes,
                    diagnosis_.config.model.dropout),
        "It will be learned by heart: use a model.dropout of 0.1 to 0.3.");
  if (const std::int64_t longest = diagnosis_.longest_sequence(); !diagnosis_.fits_positions())
    say(Severity::error, "positions",
        fmt::format("a line of {} tokens, </s> counted, does not go into model.max_positions {}",
                    longest, diagnosis_.config.model.max_positions),
        "Raise it, lower data.max_length, or use sinusoidal positions.");
}

void SettingsCheck::check_vocabulary(const PairEncoder& encoder) const {
  const TokenExamination& tokens = diagnosis_.tokens.back();
  const bool is_joint = encoder.source().bytes() == encoder.target().bytes();
  const double scale = static_cast<double>(diagnosis_.train().pairs) /
                       static_cast<double>(diagnosis_.train().sample.pairs().size());
  std::int64_t few = 0;
  for (std::size_t id = 0; id < tokens.target_uses.size(); ++id) {
    const std::int64_t uses = tokens.target_uses[id] + (is_joint ? tokens.source_uses[id] : 0);
    if (static_cast<double>(uses) * scale < static_cast<double>(kFewUses)) ++few;
  }
  const auto size = encoder.target().size();
  if (4 * few < size) return;
  findings_.push_back(
      {.severity = Severity::warning,
       .check = "vocabulary",
       .subject = "settings",
       .message = fmt::format("{} of the {} pieces occur fewer than {} times in train: too rare to "
                              "be learned",
                              few, size, kFewUses),
       .count = few,
       .total = size,
       .advice = fmt::format("Use a smaller tokenizer.vocabulary_size, such as {}.",
                             std::max<std::int64_t>((size - few) / 500 * 500, 500))});
}

void SettingsCheck::check_copying() const {
  // The last held-out set: test, where there is one.
  if (diagnosis_.sets.size() < 2) return;
  const SetExamination& set = diagnosis_.sets[diagnosis_.sets.size() - 2];
  const CopyableShare& words = set.folded_words;
  if (words.rare == 0) return;
  const bool is_on = diagnosis_.config.model.copy_head.enabled;
  const double rare = static_cast<double>(words.rare) / static_cast<double>(words.words);
  const double copyable = static_cast<double>(words.copyable) / static_cast<double>(words.rare);
  const bool helps = rare > 0.01 && copyable > 0.3;
  const char* verdict = helps && is_on ? "the copy head has much to copy"
                        : helps        ? "a copy head can help"
                        : is_on        ? "the copy head has little to copy"
                                       : "a copy head has little to copy";
  findings_.push_back(
      {.severity = Severity::note,
       .check = "copy-head",
       .subject = set.name,
       .message =
           fmt::format("{}: {} of the target words are rare in train (fewer than {} times), and "
                       "{} of these stand in the source; of words between spaces {} and {}",
                       verdict, percent(words.rare, words.words), WordCounts::kRare,
                       percent(words.copyable, words.rare),
                       percent(set.spaced_words.rare, set.spaced_words.words),
                       percent(set.spaced_words.copyable, set.spaced_words.rare)),
       .count = words.copyable,
       .total = words.rare,
       .advice = helps && !is_on   ? "Set model.copy_head.enabled to true."
                 : !helps && is_on ? "Compare with model.copy_head.enabled false, which is faster."
                                   : ""});
}

}  // namespace

std::int64_t Diagnosis::count(Severity severity) const {
  return std::ranges::count(findings, severity, &Finding::severity);
}

std::int64_t Diagnosis::longest_sequence() const {
  std::int64_t longest = 0;
  for (const PairLength& length : tokens.back().kept.lengths())
    longest = std::max<std::int64_t>(longest, std::max(length.source, length.target) + 1);
  return longest;
}

bool Diagnosis::fits_positions() const {
  return config.model.used_positions() != PositionKind::learned ||
         longest_sequence() <= config.model.max_positions;
}

double Diagnosis::updates_per_epoch() const {
  return epoch->batches / static_cast<double>(config.training.accumulate);
}

double Diagnosis::updates() const {
  const auto steps = static_cast<double>(config.training.max_steps);
  if (!epoch || config.training.max_epochs == 0) return steps;
  return std::min(steps, static_cast<double>(config.training.max_epochs) * updates_per_epoch());
}

double Diagnosis::seconds_per_epoch() const {
  return epoch->target_tokens / speed->tokens_per_second;
}

void find_suspicious_settings(const Diagnosis& diagnosis, const PairEncoder* encoder,
                              std::vector<Finding>& findings) {
  const SettingsCheck check(diagnosis, findings);
  check.check_run_directory();
  check.check_dev();
  check.check_schedule();
  check.check_validation();
  check.check_batches();
  if (encoder != nullptr) {
    check.check_passes();
    check.check_vocabulary(*encoder);
  }
  check.check_copying();
}

void sort_findings(std::vector<Finding>& findings) {
  std::ranges::stable_sort(findings, {}, [](const Finding& finding) {
    return std::tuple(finding.severity, std::ranges::find(kOrder, finding.check) - kOrder.begin());
  });
}

}  // namespace dragoman
