#include "apps/model_flags.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>

namespace dragoman {

void ModelFlags::add_to(CLI::App& command) {
  command.add_option("--model,-m", model, "the model file")->required()->type_name("MODEL.pt");
  TranslatorOptions defaults;
  add_field_flags(command, describe(defaults), options);
}

Translator ModelFlags::load() const {
  Translator translator(model, with_flags(TranslatorOptions{}, options));
  for (const std::string& warning : translator.warnings())
    fmt::print(stderr, "warning: {}\n", warning);
  return translator;
}

}  // namespace dragoman
