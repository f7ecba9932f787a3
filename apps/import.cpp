// dragoman import: a model of another program as one of ours.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "apps/commands.h"
#include "apps/line_output.h"
#include "dragoman/data/archive.h"
#include "dragoman/inference/models/import/hugging_face.h"
#include "dragoman/training/model_methods.h"

namespace dragoman {
namespace {

struct ImportFlags {
  std::string folder;
  std::string output;
  ImportOptions options;
};

/// Every tensor of the original, and what became of it.
std::string report_text(const ImportReport& report) {
  std::string text;
  for (const ImportReport::Taken& taken : report.taken)
    text += fmt::format("taken   {} -> {}{}\n", fmt::join(taken.from, " + "), taken.to,
                        taken.change.empty() ? "" : " (" + taken.change + ")");
  for (const ImportReport::Left& left : report.left)
    text += fmt::format("left    {} ({})\n", left.name, left.reason);
  for (const std::string& note : report.notes)
    text += fmt::format("note    {}\n", note);
  std::size_t tensors = 0;
  for (const ImportReport::Taken& taken : report.taken)
    tensors += taken.from.size();
  return text + fmt::format("{} tensors taken as {} weights, {} left, none missing, none unknown\n",
                            tensors, report.taken.size(), report.left.size());
}

void import_model(const ImportFlags& flags) {
  const ImportedModel model = import_hugging_face(flags.folder, flags.options);
  Archive archive = to_archive(model);
  archive.methods = model_methods(archive, flags.folder);
  save_archive(archive, flags.output);
  LineOutput output("-");
  if (output.write(report_text(model.report))) output.finish();
  const std::string_view option = model.model.modules_only();
  if (!option.empty())
    fmt::print(stderr,
               "{}: its model.{} is computed by LibTorch's modules alone: in fp32 on CPUs, and "
               "there are no methods in TorchScript\n",
               flags.output, option);
  fmt::print(stderr, "{}: written\n", flags.output);
}

}  // namespace

void add_import(CLI::App& program) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* command =
      program.add_subcommand("import", "Make a model file of another program's model");
  command
      ->add_option("folder", flags->folder,
                   "a model folder of Hugging Face's transformers (docs/import.md)")
      ->required()
      ->type_name("FOLDER");
  command->add_option("--output,-o", flags->output, "the model file to write")
      ->required()
      ->type_name("MODEL.pt");
  command->add_option("--family", flags->options.family, "what config.json calls model_type")
      ->check(CLI::IsMember({"auto", "marian", "bart", "mbart", "pegasus", "m2m_100", "t5", "mt5"}))
      ->type_name("auto|marian|bart|mbart|pegasus|m2m_100|t5|mt5")
      ->capture_default_str();
  command
      ->add_option("--source-language", flags->options.source_language,
                   "tag of the sources' language, of models of many languages")
      ->type_name("TAG");
  command
      ->add_option("--target-language", flags->options.target_language,
                   "tag of the outputs' language")
      ->type_name("TAG");
  command->callback([flags] { import_model(*flags); });
}

}  // namespace dragoman
