// The best next tokens of each hypothesis, in host memory: all that a step of the search reads of a
// vocabulary-sized row.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace dragoman {

struct CandidateRequest {
  std::int64_t count = 1;                        ///< wanted per row
  std::span<const std::int64_t> forbidden = {};  ///< ids that are never candidates
  /// Of each sentence, or empty: ids whose log-probabilities are wanted in any case.
  std::span<const std::vector<std::int64_t>> required = {};
};

/// R rows of `count` candidates, best first; of equal ones the smaller id comes first. A row with
/// fewer permitted words ends in candidates with id -1 and log-probability minus infinity.
struct Candidates {
  std::int64_t count = 0;
  std::vector<std::int64_t> ids;             ///< [R, count]
  std::vector<float> log_probs;              ///< [R, count]
  std::vector<std::vector<float>> required;  ///< [R] of the ids that the request named; or empty
};

/// What the numbers of a row are. Logits are normalised over all words, forbidden ones included.
enum class Scores { log_probs, logits };

/// scores [R, V] float32 on any device. One transfer to the host. Of equal scores at the border of
/// what is kept a device other than the CPU may keep any.
[[nodiscard]] Candidates best_of_rows(const at::Tensor& scores, Scores kind,
                                      const CandidateRequest& request);

}  // namespace dragoman
