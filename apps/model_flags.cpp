#include "apps/model_flags.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>

namespace dragoman {

void ModelFlags::add_to(CLI::App& command) {
  command
      .add_option("--model,-m", models, "the model file; given several times: they decide together")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("MODEL.pt");
  command.add_option("--ensemble", ensembling, "of several models: mean, or geometric mean")
      ->check(CLI::IsMember({"linear", "log_linear"}))
      ->type_name("linear|log_linear")
      ->capture_default_str();
  command.add_option("--model-weight", weights, "of several models: one for each")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("NUMBER");
  TranslatorOptions defaults;
  add_field_flags(command, describe(defaults), options);
}

Translator ModelFlags::load() const {
  const Ensembling method = ensembling == "linear" ? Ensembling::linear : Ensembling::log_linear;
  Translator translator =
      Translator::ensemble(models, {method, weights}, with_flags(TranslatorOptions{}, options));
  for (const std::string& warning : translator.warnings())
    fmt::print(stderr, "warning: {}\n", warning);
  return translator;
}

}  // namespace dragoman
