// dragoman import: a model of another program as one of ours.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/line_output.h"
#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/data/safetensors.h"
#include "dragoman/inference/models/import/import_foreign.h"
#include "dragoman/inference/models/import/layer_comparison.h"
#include "dragoman/training/model_methods.h"

namespace dragoman {
namespace {

const std::vector<std::string> kFamilies = {"auto",       "marian",     "bart",   "mbart",
                                            "pegasus",    "m2m_100",    "t5",     "mt5",
                                            "marian-npz", "opennmt-py", "fairseq"};

struct ImportFlags {
  std::string model;
  std::string output;
  std::string reference;
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
  for (const ImportReport::Left& made : report.made)
    text += fmt::format("made    {} ({})\n", made.name, made.reason);
  for (const std::string& note : report.notes)
    text += fmt::format("note    {}\n", note);
  std::size_t tensors = 0;
  for (const ImportReport::Taken& taken : report.taken)
    tensors += taken.from.size();
  return text + fmt::format("{} tensors taken as {} weights, {} left, none missing, none unknown\n",
                            tensors, report.taken.size(), report.left.size());
}

/// Compares with what the original computes. Throws ModelError, after all was printed, that names
/// the first layer that differs.
void compare_with_reference(const ImportedModel& model, const std::string& path,
                            LineOutput& output) {
  const std::vector<LayerDifference> layers = compare_layers(model, load_safetensors(path), path);
  std::string text;
  for (const LayerDifference& layer : layers)
    text += fmt::format("{} {}: greatest difference {:.2g}, greatest value {:.2g}\n",
                        layer.differs ? "differs" : "same   ", layer.name, layer.greatest,
                        layer.magnitude);
  static_cast<void>(output.write(text));
  const auto first = std::ranges::find(layers, true, &LayerDifference::differs);
  if (first == layers.end()) return;
  output.finish();
  throw ModelError(
      fmt::format("{}: {} is the first that differs, by {:.2g}. The layer before it is right, so "
                  "look at its weights and options; nothing was written.",
                  path, first->name, first->greatest));
}

void import_model(const ImportFlags& flags) {
  const ImportedModel model = import_foreign(flags.model, flags.options);
  LineOutput output("-");
  if (!flags.reference.empty()) compare_with_reference(model, flags.reference, output);
  Archive archive = to_archive(model);
  archive.methods = model_methods(archive, flags.model);
  save_archive(archive, flags.output);
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
      ->add_option(
          "model", flags->model,
          "a model folder of Hugging Face's transformers, or a checkpoint of OpenNMT-py or "
          "fairseq (docs/import.md)")
      ->required()
      ->type_name("MODEL");
  command->add_option("--output,-o", flags->output, "the model file to write")
      ->required()
      ->type_name("MODEL.pt");
  command
      ->add_option("--family", flags->options.family,
                   "what config.json calls model_type, or the program that wrote a checkpoint")
      ->check(CLI::IsMember(kFamilies))
      ->type_name(fmt::format("{}", fmt::join(kFamilies, "|")))
      ->capture_default_str();
  command
      ->add_option("--source-language", flags->options.source_language,
                   "tag of the sources' language, of models of many languages; of fairseq's models "
                   "LANG of dict.LANG.txt")
      ->type_name("TAG");
  command
      ->add_option("--target-language", flags->options.target_language,
                   "tag of the outputs' language")
      ->type_name("TAG");
  command
      ->add_option("--source-tokenizer", flags->options.source_tokenizer,
                   "SentencePiece model that cut the sources, of checkpoints that come without")
      ->type_name("FILE.model");
  command
      ->add_option("--target-tokenizer", flags->options.target_tokenizer,
                   "the same for the targets")
      ->type_name("FILE.model");
  command
      ->add_option("--config", flags->options.config,
                   "of weights alone: the configuration of the network (section model)")
      ->type_name("FILE.json");
  command
      ->add_option("--names", flags->options.names,
                   "of weights alone: which of their names are which of ours")
      ->type_name("FILE.json");
  command
      ->add_option("--reference", flags->reference,
                   "activations of the original for one batch: names the first layer that differs")
      ->type_name("FILE.safetensors");
  command->callback([flags] { import_model(*flags); });
}

}  // namespace dragoman
