// What `dragoman doctor` learns of a run before it is trained.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/run_config.h"
#include "dragoman/data/doctor/examination.h"
#include "dragoman/data/doctor/finding.h"
#include "dragoman/data/doctor/token_check.h"
#include "dragoman/data/pair_encoder.h"

namespace dragoman {

/// From some updates of the actual model on batches of the actual data.
struct SpeedEstimate {
  std::int64_t updates = 0;        ///< that were timed
  double tokens_per_second = 0.0;  ///< target tokens, padding left out
  double peak_bytes = 0.0;         ///< resident memory with the largest batch; 0: not known
};

struct Diagnosis {
  std::string path;  ///< of the configuration
  RunConfig config;
  std::vector<SetExamination> sets;      ///< held-out sets, then train
  std::vector<TokenExamination> tokens;  ///< of each set; empty without a tokeniser
  std::optional<EpochEstimate> epoch;
  std::int64_t parameters = 0;  ///< 0: not known
  std::optional<SpeedEstimate> speed;
  std::vector<Finding> findings;  ///< the worst first

  [[nodiscard]] const SetExamination& train() const { return sets.back(); }
  [[nodiscard]] std::int64_t count(Severity severity) const;
  /// Tokens of the longest side of a pair that training keeps, </s> counted; needs tokens.
  [[nodiscard]] std::int64_t longest_sequence() const;
  [[nodiscard]] bool fits_positions() const;
  [[nodiscard]] double updates_per_epoch() const;
  /// Updates until max_steps or max_epochs.
  [[nodiscard]] double updates() const;
  [[nodiscard]] double seconds_per_epoch() const;  ///< only with speed
};

// doctor_findings.cpp
/// Settings that do not go with the data or with each other, and whether copying can help.
void find_suspicious_settings(const Diagnosis& diagnosis, const PairEncoder* encoder,
                              std::vector<Finding>& findings);
/// The worst first; of equally bad ones, what spoils results before what costs quality.
void sort_findings(std::vector<Finding>& findings);

// doctor_speed.cpp
/// Resident memory of this process in bytes; 0 where the system does not tell.
[[nodiscard]] double resident_bytes();
/// Fills parameters and, when `is_timed`, speed. `base_bytes`: resident memory before the data was
/// read. Throws UsageError (device).
void estimate_speed(Diagnosis& diagnosis, const PairEncoder& encoder, double base_bytes,
                    bool is_timed);

// doctor_report.cpp
[[nodiscard]] std::string text_report(const Diagnosis& diagnosis);
[[nodiscard]] std::string json_report(const Diagnosis& diagnosis);

}  // namespace dragoman
