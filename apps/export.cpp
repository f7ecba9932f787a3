// dragoman export: a model for other programs.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "apps/commands.h"
#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/inference/models/ctranslate2_export.h"
#include "dragoman/inference/models/hugging_face_export.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/inference/models/safetensors_export.h"
#include "dragoman/training/model_methods.h"

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
  if (options.format == "ctranslate2") {
    export_ctranslate2(file, options.output);
    fmt::print(stderr, "{}: a model of CTranslate2, with its tokenisers\n", options.output);
    return;
  }
  if (options.format == "huggingface") {
    export_safetensors(to_hugging_face(file), options.output);
    fmt::print(stderr, "{}: a model of transformers, with its tokenisers\n", options.output);
    return;
  }
  Archive archive = load_archive(options.model);
  if (options.format == "safetensors") {
    export_safetensors(archive, options.output);
    fmt::print(stderr, "{}: model.safetensors, its configuration and tokenisers\n", options.output);
    return;
  }
  archive.methods = model_methods(archive, options.model);
  if (archive.methods.empty())
    throw UsageError(
        fmt::format("{}: there are no methods in TorchScript for its model.{}. Export it as "
                    "safetensors.",
                    options.model, file.model.modules_only()));
  save_archive(archive, options.output);
  fmt::print(stderr, "{}: a model file with the methods encode, decode_step and forward\n",
             options.output);
}

}  // namespace

void add_export(CLI::App& program) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = program.add_subcommand("export", "Write a model for another program");
  command->add_option("model", options->model, "the model file")->required()->type_name("MODEL.pt");
  command->add_option("--format", options->format, "whose format")
      ->required()
      ->check(CLI::IsMember({"ctranslate2", "huggingface", "safetensors", "torchscript"}))
      ->type_name("ctranslate2|huggingface|safetensors|torchscript");
  command
      ->add_option("--output,-o", options->output, "the folder to write; of torchscript the file")
      ->required()
      ->type_name("FOLDER|OUT.pt");
  command->callback([options] { export_model(*options); });
}

}  // namespace dragoman
