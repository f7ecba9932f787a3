// Command-line flags that the commands with a loaded model share.
#pragma once

#include <string>
#include <vector>

#include "dragoman/inference/translator.h"

namespace CLI {
class App;
}

namespace dragoman {

struct ModelFlags {
  std::string model;
  std::string precision = "fp32";
  TranslatorOptions options;

  void add_to(CLI::App& command);
  /// Throws what Translator throws.
  [[nodiscard]] Translator load() const;
};

/// One flag per field of DecodingOptions, named after it (--beam-size); `overrides` collects what
/// was given as "beam_size=8", and must outlive the command.
void add_decoding_flags(CLI::App& command, std::vector<std::string>& overrides);

/// `defaults` with `overrides` applied and checked. Throws UsageError.
[[nodiscard]] DecodingOptions apply_overrides(const DecodingOptions& defaults,
                                              const std::vector<std::string>& overrides);

}  // namespace dragoman
