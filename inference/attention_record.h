// What a model attends to while it writes a given or its own output: for people to look at.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dragoman {

struct ModelFile;

/// Weights of one attention: row t is what target token t gives to each source position; sums to 1.
using AttentionMap = std::vector<std::vector<float>>;  // [T][S]

struct AttentionRecord {
  std::string source;
  std::string target;
  std::vector<std::string> source_tokens;        ///< [S] with </s>
  std::vector<std::string> target_tokens;        ///< [T] with </s>
  std::vector<double> log_probabilities;         ///< [T]
  std::vector<std::vector<AttentionMap>> cross;  ///< of each decoder layer, each head
  /// With a copy head, else empty.
  AttentionMap pointer;
  std::vector<double> generate;  ///< [T] probability that the word is generated
  std::vector<double> copied;    ///< [T] part of the token's probability that copying has
};

/// `target` empty: the best output of a search with the file's defaults. On the CPU. Throws
/// UsageError for texts that are not UTF-8, for an empty source and for what is longer than the
/// model can read.
[[nodiscard]] AttentionRecord record_attention(const ModelFile& file, const std::string& source,
                                               const std::string& target);

}  // namespace dragoman
