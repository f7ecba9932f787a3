#include "apps/run_setup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/run_tokenizers.h"
#include "dragoman/data/config.h"
#include "dragoman/data/corpus_sample.h"
#include "dragoman/data/error.h"
#include "dragoman/data/example_sample.h"
#include "dragoman/data/file.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/training/batch_fit.h"
#include "dragoman/training/run_directory.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

/// Keys whose values differ between two JSON documents, as "key: old -> new".
std::vector<std::string> differences(const std::string& before, const std::string& now) {
  const auto old_values = nlohmann::json::parse(before).flatten();
  const auto new_values = nlohmann::json::parse(now).flatten();
  std::vector<std::string> lines;
  for (const auto& [key, value] : new_values.items()) {
    const auto old_value = old_values.find(key);
    if (old_value == old_values.end())
      lines.push_back(fmt::format("{}: (none) -> {}", key.substr(1), value.dump()));
    else if (*old_value != value)
      lines.push_back(fmt::format("{}: {} -> {}", key.substr(1), old_value->dump(), value.dump()));
  }
  for (const auto& [key, value] : old_values.items())
    if (!new_values.contains(key))
      lines.push_back(fmt::format("{}: {} -> (none)", key.substr(1), value.dump()));
  return lines;
}

/// The configuration that a run stored; another version may have written it.
RunConfig read_stored(const std::string& path, const std::vector<std::string>& overrides,
                      Log& log) {
  std::vector<std::string> warnings;
  RunConfig config = parse_stored_config<RunConfig>(read_file(path), path, overrides, warnings);
  for (const std::string& warning : warnings)
    log.warn(warning);
  return config;
}

/// Is `path` the config.json of a run that has begun?
bool is_stored_config(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return fs::path(path).filename() == "config.json" &&
         has_checkpoints(folder.empty() ? "." : folder.string());
}

/// Refuses a resumed run whose model or tokeniser changed; tells what else changed.
void compare_with_stored(const RunConfig& config, const RunConfig& stored,
                         const std::string& stored_path, Log& log) {
  ModelConfig old_model = stored.model;
  ModelConfig new_model = config.model;
  for (ModelConfig* model : {&old_model, &new_model})  // 0 and the tokeniser's size mean the same
    model->source_vocabulary = model->target_vocabulary = 0;
  auto changed = differences(to_json_text(old_model), to_json_text(new_model));
  for (std::string& line :
       differences(to_json_text(stored.tokenizer), to_json_text(config.tokenizer)))
    changed.push_back(std::move(line));
  if (!changed.empty())
    throw UsageError(fmt::format(
        "{}: the run to resume has another model or tokeniser:\n  {}\nRestore these settings, or "
        "choose another training.output to start afresh.",
        stored_path, fmt::join(changed, "\n  ")));
  for (const auto& [before, now] :
       {std::pair(to_json_text(stored.data), to_json_text(config.data)),
        std::pair(to_json_text(stored.training), to_json_text(config.training)),
        std::pair(to_json_text(stored.decoding), to_json_text(config.decoding))})
    for (const std::string& line : differences(before, now))
      log.info("changed since the run began: " + line);
}

/// Throws UsageError when the configuration asks for another number of tokenisers.
Tokenizers tokenizers_of(const ModelFile& file, const TokenizerConfig& settings) {
  if (file.is_joint != settings.joint)
    throw UsageError(fmt::format(
        "tokenizer.joint: is {}, but {} has {}. Set it to {}, or give tokenizer.source_model.",
        settings.joint, file.path,
        file.is_joint ? "one tokeniser for both sides" : "two tokenisers", file.is_joint));
  return {file.encoder.source(), file.encoder.target()};
}

/// The network of a teacher whose words are the student's.
Transformer make_teacher(const ModelFile& file, const RunSetup& setup) {
  const ModelConfig& student = setup.config.model;
  const auto refuse = [&file](const std::string& what) {
    throw UsageError(fmt::format("training.teacher: {} {}", file.path, what));
  };
  if (file.encoder.source().bytes() != setup.encoder.source().bytes() ||
      file.encoder.target().bytes() != setup.encoder.target().bytes())
    refuse(
        "has other tokenisers than the model that is trained, so that their words are not the "
        "same. Leave tokenizer.source_model and training.init_from empty to use the teacher's.");
  if (file.model.copy_head.enabled != student.copy_head.enabled)
    refuse(
        fmt::format("has {} copy head and the model that is trained has {}: what the one says "
                    "of copied words has no counterpart in the other. Set "
                    "model.copy_head.enabled to {}, or distil by translating the sources with "
                    "the teacher (docs/training.md).",
                    file.model.copy_head.enabled ? "a" : "no",
                    student.copy_head.enabled ? "one" : "none", file.model.copy_head.enabled));
  if (file.model.positions == PositionKind::learned &&
      file.model.max_positions < student.max_positions)
    refuse(fmt::format("knows {} positions, fewer than model.max_positions ({}). Lower that.",
                       file.model.max_positions, student.max_positions));
  return build_transformer(file);
}

void fit_batches(RunSetup& setup, std::int64_t processes, Log& log) {
  constexpr std::size_t kSample = 4000;
  RunConfig& config = setup.config;
  const BatchFit fit =
      fit_batch_tokens(config.training, config.model, config.data,
                       {.examples = first_examples(config.data, setup.encoder, kSample),
                        .ids = setup.encoder.special_ids(),
                        .teacher = setup.teacher,
                        .processes = processes});
  log_batch_fit(fit, log);
  config.data.batch_tokens = fit.chosen.tokens;
}

}  // namespace

RunConfig read_run_config(const std::string& path, const std::vector<std::string>& overrides,
                          bool resume, Log& log) {
  return resume && is_stored_config(path)
             ? read_stored(path, overrides, log)
             : parse_config<RunConfig>(read_file(path), path, overrides);
}

RunSetup setup_from_bundle(std::map<std::string, std::string> bundle) {
  const auto config = parse_config<RunConfig>(bundle.at("config.json"), "config.json of rank 0");
  const Tokenizer source = Tokenizer::from_bytes(bundle.at("source.spm"), "source.spm of rank 0");
  const auto target = bundle.find("target.spm");
  const Tokenizers tokenizers{source,
                              target == bundle.end()
                                  ? source
                                  : Tokenizer::from_bytes(target->second, "target.spm of rank 0")};
  RunSetup setup{config, make_encoder(config, tokenizers), std::move(bundle), {}, nullptr};
  if (!config.training.teacher.empty())
    setup.teacher = make_teacher(load_model_file(config.training.teacher), setup);
  return setup;
}

RunSetup prepare_run(const std::string& path, const std::vector<std::string>& overrides,
                     bool resume, Log& log, std::int64_t processes) {
  const bool is_stored = resume && is_stored_config(path);
  RunConfig config = read_run_config(path, overrides, resume, log);
  if (config.data.train.empty())
    throw UsageError(path +
                     ": data.train: names no corpus. Add {\"source\": FILE, \"target\": FILE}.");
  resolve_paths(config.data);

  const RunDirectory run(config.training.output);
  const std::string source_file = run.path() + "/source.spm";
  const std::string target_file = run.path() + "/target.spm";
  const bool begun = has_checkpoints(run.path());
  if (begun && !resume)
    throw UsageError(fmt::format(
        "{}: holds checkpoints of an earlier run. Go on with it by --resume, or choose another "
        "training.output.",
        run.path()));
  run.create();

  std::optional<ModelFile> initial;
  if (!begun && !config.training.init_from.empty())
    initial = load_model_file(config.training.init_from);
  std::optional<ModelFile> teacher;
  if (!config.training.teacher.empty()) teacher = load_model_file(config.training.teacher);
  std::optional<Tokenizers> tokenizers;
  if (begun) {
    NullLog nowhere;  // what is said about the file itself was said above
    const bool is_same = is_stored && fs::equivalent(path, run.config());
    Log& told = is_same ? static_cast<Log&>(nowhere) : log;
    const RunConfig stored = read_stored(run.config(), {}, told);
    if (config.data.batch_tokens.is_automatic())  // what was found when the run began
      config.data.batch_tokens = stored.data.batch_tokens;
    compare_with_stored(config, stored, run.config(), log);
    tokenizers = load_tokenizers(source_file, fs::exists(target_file) ? target_file : "");
  } else {
    const std::optional<ModelFile>& given = initial ? initial : teacher;
    tokenizers = given && config.tokenizer.source_model.empty()
                     ? tokenizers_of(*given, config.tokenizer)
                     : make_tokenizers(
                           config,
                           [&config](Side side) {
                             return sample_lines(config.data.train, side,
                                                 config.tokenizer.training_sentences,
                                                 static_cast<std::uint64_t>(config.data.seed),
                                                 config.data.invalid_text);
                           },
                           log);
    write_file_atomically(source_file, tokenizers->source.bytes());
    if (!config.tokenizer.joint) write_file_atomically(target_file, tokenizers->target.bytes());
  }
  fill_vocabularies(config, *tokenizers);

  // The rules that involve the vocabularies hold only now.
  config = parse_config<RunConfig>(to_json_text(config), path);
  RunSetup setup{config, make_encoder(config, *tokenizers), {}, {}, nullptr};
  if (teacher) setup.teacher = make_teacher(*teacher, setup);
  if (config.data.batch_tokens.is_automatic()) fit_batches(setup, processes, log);
  const std::string resolved = to_json_text(setup.config);
  write_file_atomically(run.config(), resolved);
  setup.bundle = {{"config.json", resolved}, {"source.spm", tokenizers->source.bytes()}};
  if (!config.tokenizer.joint) setup.bundle["target.spm"] = tokenizers->target.bytes();
  if (initial)
    setup.initial = {std::move(initial->weights), initial->model.tied_embeddings,
                     initial->encoder.source(), initial->encoder.target()};
  return setup;
}

}  // namespace dragoman
