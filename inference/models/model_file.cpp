#include "dragoman/inference/models/model_file.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "dragoman/data/archive.h"
#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/inference/models/quantization.h"
#include "dragoman/inference/translator.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/modules/weights.h"

namespace dragoman {
namespace {

constexpr std::size_t kProblemsShown = 40;

const std::string& required(const Archive& archive, const std::string& name,
                            const std::string& path) {
  const auto found = archive.files.find(name);
  if (found == archive.files.end())
    throw ModelError(
        fmt::format("{}: holds no {}. Give a model file that dragoman train wrote.", path, name));
  return found->second;
}

template <Described T>
T read_section(const std::string& config, const std::string& section, const std::string& path,
               std::vector<std::string>& warnings) {
  const std::string where = path + ": config.json";
  try {
    return parse_stored_config<T>(config_section(config, section, where), where + ": " + section,
                                  {}, warnings);
  } catch (const UsageError& error) {
    throw ModelError(std::string(error.what()) +
                     "\nThe file may be of another version of Dragoman.");
  }
}

void check_vocabulary(std::int64_t& configured, const Tokenizer& tokenizer, const char* side,
                      const std::string& path) {
  if (configured == 0) configured = tokenizer.size();
  if (configured != tokenizer.size())
    throw ModelError(fmt::format(
        "{}: config.json: model.{}_vocabulary is {}, but the tokeniser in the file has {} pieces. "
        "The file was put together from two models; export it again.",
        path, side, configured, tokenizer.size()));
}

/// Numbers in the matrices of a model; a few less than it has in all.
double matrix_numbers(const ModelConfig& config) {
  // In double, since products of the greatest sizes leave 64 bits.
  const bool is_lstm = config.architecture == Architecture::lstm;
  const auto layer = [&](const StackConfig& stack, double projections, double gates) {
    const auto dim = static_cast<double>(stack.dim);
    const double matrices = config.gated_feed_forward ? 3.0 : 2.0;
    const double inner = is_lstm ? 0.0 : matrices * dim * static_cast<double>(stack.feed_forward);
    const double width = is_lstm ? dim : static_cast<double>(stack.attention_dim());
    return static_cast<double>(stack.layers) *
           ((is_lstm ? gates : projections) * dim * width + inner);
  };
  const auto source = static_cast<double>(config.encoder.dim);
  const auto target = static_cast<double>(config.decoder.dim);
  double count = layer(config.encoder, 4.0, 6.0) + layer(config.decoder, 6.0, 8.0) +
                 static_cast<double>(config.source_vocabulary) * source;
  if (config.used_positions() == PositionKind::learned)
    count += static_cast<double>(config.position_offset + config.max_positions) * (source + target);
  if (config.copy_head.enabled && config.copy_head.pointer == PointerKind::dedicated)
    count += static_cast<double>(config.copy_head.dim) * (source + target);
  return count;
}

/// Before anything is made of a configuration's sizes: damaged ones would fill the memory.
void check_size(const ModelFile& file) {
  double stored = 0.0;
  for (const auto& [name, weight] : file.weights)
    stored += static_cast<double>(weight.numel());
  const double needed = matrix_numbers(file.model);
  if (needed > 2.0 * stored)
    throw ModelError(fmt::format(
        "{}: config.json describes a model of {:.0f} numbers or more, but the file holds "
        "{:.0f}. Use the configuration that the checkpoint was trained with.",
        file.path, needed, stored));
}

}  // namespace

ModelFile load_model_file(const std::string& path) {
  Archive archive = load_archive(path);
  const std::string& config = required(archive, "config.json", path);
  const Tokenizer source =
      Tokenizer::from_bytes(required(archive, "source.spm", path), path + ": source.spm");
  const auto own_target = archive.files.find("target.spm");
  const bool is_joint = own_target == archive.files.end();
  const Tokenizer target =
      is_joint ? source : Tokenizer::from_bytes(own_target->second, path + ": target.spm");
  std::vector<std::string> warnings;
  ModelFile file{.path = path,
                 .model = read_section<ModelConfig>(config, "model", path, warnings),
                 .decoding = read_section<DecodingOptions>(config, "decoding", path, warnings),
                 .encoder = {source, target},
                 .is_joint = is_joint,
                 .weights = std::move(archive.tensors),
                 .precision = Precision::fp32,
                 .config = config,
                 .card = archive.files["card.json"],
                 .warnings = std::move(warnings)};
  file.precision = stored_precision(file.weights);
  restore_weights(file.weights, path);
  try {
    file.encoder =
        PairEncoder(source, target, copy_options(file.model)).framing(sequence_frame(file.model));
  } catch (const UsageError& error) {
    throw ModelError(fmt::format("{}: config.json: {}", path, error.what()));
  }
  check_vocabulary(file.model.source_vocabulary, source, "source", path);
  check_vocabulary(file.model.target_vocabulary, target, "target", path);
  return file;
}

bool is_scripted(const ArchiveOutline& outline) {
  const auto is_ours = [](const std::string& method) { return method.starts_with("decode_step("); };
  return !outline.methods.empty() && std::ranges::none_of(outline.methods, is_ours);
}

ModelFile load_scripted_file(const std::string& path, const ArchiveOutline& outline,
                             const TranslatorOptions& options) {
  if (!options.allow_scripts)
    throw UsageError(
        fmt::format("{}: is a TorchScript model of another program. To use it is to run the code "
                    "that it holds. If you trust where it comes from, allow that: --allow-scripts "
                    "(C++ and C: allow_scripts).",
                    path));
  const auto tokenizer = [&](const std::string& given,
                             const std::string& name) -> std::optional<Tokenizer> {
    if (!given.empty()) return Tokenizer::from_file(given);
    const auto own = outline.files.find(name);
    if (own == outline.files.end()) return std::nullopt;
    return Tokenizer::from_bytes(own->second, path + ": " + name);
  };
  const auto source = tokenizer(options.source_tokenizer, "source.spm");
  if (!source)
    throw UsageError(
        fmt::format("{}: holds no source.spm. Save the SentencePiece model among the extra files "
                    "of the archive, or give --source-tokenizer.",
                    path));
  const auto target = tokenizer(options.target_tokenizer, "target.spm");
  const auto config = outline.files.find("config.json");
  const std::string text = config == outline.files.end() ? "{}" : config->second;
  std::vector<std::string> warnings;
  ModelFile file{.path = path,
                 .model = {},
                 .decoding = read_section<DecodingOptions>(text, "decoding", path, warnings),
                 .encoder = {*source, target.value_or(*source)},
                 .is_joint = !target,
                 .weights = {},
                 .script = read_section<ScriptConfig>(text, "script", path, warnings),
                 .config = text,
                 .card = ""};
  file.warnings = std::move(warnings);
  return file;
}

Transformer build_transformer(const ModelFile& file) {
  check_size(file);
  try {
    Transformer model(file.model, InitialWeights::unset);
    const std::vector<std::string> problems = load_weights(*model, file.weights);
    if (!problems.empty()) {
      std::string message =
          fmt::format("{}: {} parameter(s) do not fit config.json", file.path, problems.size());
      for (std::size_t index = 0; index < std::min(problems.size(), kProblemsShown); ++index)
        message += "\n  " + problems[index];
      if (problems.size() > kProblemsShown)
        message += fmt::format("\n  and {} more", problems.size() - kProblemsShown);
      throw ModelError(message + "\nUse the configuration that the checkpoint was trained with.");
    }
    model->eval();
    return model;
  } catch (const c10::Error& error) {
    throw ModelError(fmt::format("{}: the model cannot be built: {}", file.path,
                                 error.what_without_backtrace()));
  }
}

void check_weights(const ModelFile& file) {
  static_cast<void>(build_transformer(file));
}

}  // namespace dragoman
