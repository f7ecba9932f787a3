// Command-line flags that the commands with a loaded model share.
#pragma once

#include <string>
#include <vector>

#include "apps/field_flags.h"
#include "dragoman/inference/translator.h"

namespace CLI {
class App;
}

namespace dragoman {

struct ModelFlags {
  std::vector<std::string> models;  ///< several decide together
  std::string ensembling = "linear";
  std::vector<double> weights;
  GivenFlags options;  ///< of TranslatorOptions

  void add_to(CLI::App& command);
  /// Warnings go to standard error. Throws what Translator throws.
  [[nodiscard]] Translator load() const;
};

}  // namespace dragoman
