// dragoman export: a model for other engines.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "apps/commands.h"
#include "dragoman/inference/models/ctranslate2_export.h"
#include "dragoman/inference/models/model_file.h"

namespace dragoman {
namespace {

struct ExportOptions {
  std::string model;
  std::string format;
  std::string output;
};

void export_model(const ExportOptions& options) {
  const ModelFile file = load_model_file(options.model);
  check_weights(file);
  export_ctranslate2(file, options.output);
  fmt::print(stderr, "{}: a model of CTranslate2, with its tokenisers\n", options.output);
}

}  // namespace

void add_export(CLI::App& program) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = program.add_subcommand("export", "Write a model for another engine");
  command->add_option("model", options->model, "the model file")->required()->type_name("MODEL.pt");
  command->add_option("--format", options->format, "whose format")
      ->required()
      ->check(CLI::IsMember({"ctranslate2"}))
      ->type_name("ctranslate2");
  command->add_option("--output,-o", options->output, "the folder to write")
      ->required()
      ->type_name("FOLDER");
  command->callback([options] { export_model(*options); });
}

}  // namespace dragoman
