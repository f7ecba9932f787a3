// dragoman quantize: a smaller model, and the proof that it is as good.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/data/line_reader.h"
#include "dragoman/data/metrics/bleu.h"
#include "dragoman/data/metrics/chrf.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/inference/models/quantization.h"
#include "dragoman/inference/translator.h"
#include "dragoman/training/model_methods.h"

namespace dragoman {
namespace {

struct QuantizeOptions {
  std::string model;
  std::string output;
  std::string precision = "int8";
  std::string source;
  std::string target;
  double most_lost = 0.3;
  std::int64_t threads = 0;
  bool is_forced = false;
};

/// What a model reaches on the given set.
struct Proof {
  double bleu = 0.0;
  double chrf = 0.0;
  double sentences_per_second = 0.0;
  double load_seconds = 0.0;
  double megabytes = 0.0;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<std::string> read_lines(const std::string& path) {
  LineReader reader(path, InvalidText::error);
  std::vector<std::string> lines;
  for (std::string line; reader.next(line);)
    lines.push_back(line);
  return lines;
}

Proof measure(const std::string& model, const std::vector<std::string>& sources,
              const std::vector<std::string>& references, std::int64_t threads) {
  Proof proof;
  proof.megabytes = static_cast<double>(std::filesystem::file_size(model)) / 1e6;
  auto start = std::chrono::steady_clock::now();
  const Translator translator(model, {.threads = threads});
  proof.load_seconds = seconds_since(start);
  start = std::chrono::steady_clock::now();
  std::vector<std::string> outputs;
  for (const Translation& translation : translator.translate_batch(sources, translator.defaults()))
    outputs.push_back(translation.text());
  proof.sentences_per_second = static_cast<double>(sources.size()) / seconds_since(start);
  const std::vector<std::vector<std::string>> sets = {references};
  proof.bleu = corpus_bleu(outputs, sets).score;
  proof.chrf = corpus_chrf(outputs, sets).score;
  return proof;
}

void print_proof(const Proof& before, const Proof& after, const std::string& precision) {
  fmt::print("{:<14}{:>12}{:>12}{:>12}\n", "", "before", precision, "difference");
  const auto row = [](const char* name, double one, double other, int digits) {
    fmt::print("{:<14}{:>12.{}f}{:>12.{}f}{:>+12.{}f}\n", name, one, digits, other, digits,
               other - one, digits);
  };
  row("BLEU", before.bleu, after.bleu, 2);
  row("chrF", before.chrf, after.chrf, 2);
  row("sentences/s", before.sentences_per_second, after.sentences_per_second, 1);
  row("load, s", before.load_seconds, after.load_seconds, 3);
  row("size, MB", before.megabytes, after.megabytes, 1);
}

void quantize(const QuantizeOptions& options) {
  const bool has_set = !options.source.empty();
  if (has_set != !options.target.empty())
    throw UsageError("quantize: --source and --target belong together. Give both, or neither.");
  if (!has_set && !options.is_forced)
    throw UsageError(
        "quantize: there is no proof without a set to translate. Give --source and --target, or "
        "--force to go without.");
  const std::vector<std::string> sources =
      has_set ? read_lines(options.source) : std::vector<std::string>();
  const std::vector<std::string> references =
      has_set ? read_lines(options.target) : std::vector<std::string>();
  if (sources.size() != references.size())
    throw DataError(fmt::format("{} has {} lines but {} has {}. Line n must translate line n.",
                                options.source, sources.size(), options.target, references.size()));
  if (has_set && sources.empty())
    throw DataError(fmt::format("{}: is empty. Give a set to translate.", options.source));

  const Precision precision = options.precision == "bf16" ? Precision::bf16 : Precision::int8;
  {
    const ModelFile file = load_model_file(options.model);
    if (file.precision != Precision::fp32)
      throw UsageError(fmt::format("{}: is quantised already. Give the original.", options.model));
    if (file.model.architecture != Architecture::transformer)
      throw UsageError(
          fmt::format("{}: is an lstm. Transformers alone compute in fewer bits.", options.model));
    if (const std::string_view option = file.model.modules_only(); !option.empty())
      throw UsageError(
          fmt::format("{}: the engine that computes in fewer bits does not know its model.{}. Use "
                      "the model as it is.",
                      options.model, option));
    check_weights(file);
  }
  Archive archive = load_archive(options.model);
  archive.tensors = quantize_weights(archive.tensors, precision, options.model);
  archive.methods = model_methods(archive, options.model);
  // Under another name until the proof is there: a refused model leaves no file behind.
  const std::string unproven = options.output + ".unproven";
  save_archive(archive, unproven);
  try {
    if (has_set) {
      const Proof before = measure(options.model, sources, references, options.threads);
      const Proof after = measure(unproven, sources, references, options.threads);
      print_proof(before, after, options.precision);
      const double lost = before.bleu - after.bleu;
      if (lost > options.most_lost && !options.is_forced)
        throw ModelError(fmt::format(
            "quantize: {} loses {:.2f} BLEU on {}, more than {:.2f}. Nothing was written. Take "
            "bf16, allow more (--max-loss) or write it nevertheless (--force).",
            options.precision, lost, options.source, options.most_lost));
    }
    std::filesystem::rename(unproven, options.output);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(unproven, ignored);
    throw;
  }
  fmt::print(stderr, "model: {}\n", options.output);
}

}  // namespace

void add_quantize(CLI::App& program) {
  auto options = std::make_shared<QuantizeOptions>();
  CLI::App* command = program.add_subcommand(
      "quantize", "Write a model with smaller weights, and prove that it is as good");
  command->add_option("model", options->model, "the model file")->required()->type_name("MODEL.pt");
  command->add_option("--output,-o", options->output, "the model file to write")
      ->required()
      ->type_name("OUT.pt");
  command->add_option("--precision", options->precision, "of the weights")
      ->check(CLI::IsMember({"int8", "bf16"}))
      ->type_name("int8|bf16")
      ->capture_default_str();
  command->add_option("--source", options->source, "what both models translate")->type_name("FILE");
  command->add_option("--target", options->target, "its translations")->type_name("FILE");
  command->add_option("--max-loss", options->most_lost, "BLEU that may be lost")
      ->check(CLI::Range(0.0, 100.0))
      ->type_name("BLEU")
      ->capture_default_str();
  command->add_option("--threads", options->threads, "worker threads; 0: one per core")
      ->check(CLI::Range(0, 1024))
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--force", options->is_forced, "write it whatever it loses, or without a set");
  command->callback([options] { quantize(*options); });
}

}  // namespace dragoman
