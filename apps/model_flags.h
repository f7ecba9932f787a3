// Command-line flags that the commands with a loaded model share.
#pragma once

#include <string>

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

}  // namespace dragoman
