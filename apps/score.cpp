// dragoman score: how probable the model finds given translations.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/alignment_output.h"
#include "apps/commands.h"
#include "apps/field_flags.h"
#include "apps/line_output.h"
#include "apps/model_flags.h"
#include "dragoman/data/corpus_summary.h"
#include "dragoman/data/error.h"
#include "dragoman/data/input_file.h"
#include "dragoman/data/line_reader.h"
#include "dragoman/data/parallel_reader.h"
#include "dragoman/inference/translator.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::size_t kWindow = 2000;

struct ScoreOptions {
  ModelFlags model;
  std::string source;
  std::string target;
  std::string output = "-";
  std::string format = "text";
  GivenFlags alignment;
};

using File = std::shared_ptr<const InputFile>;

struct Pairs {
  std::vector<std::string> sources;
  std::vector<std::string> targets;
};

/// Files that can be read twice are counted before anything slow begins.
void check_counts(const File& source, const File& target) {
  if (!source->is_seekable() || !target->is_seekable()) return;
  const std::int64_t source_lines = summarize(source).lines;
  const std::int64_t target_lines = summarize(target).lines;
  if (source_lines != target_lines)
    throw DataError(different_counts(source->name(), source_lines, target->name(), target_lines));
}

std::int64_t count_rest(LineReader& reader) {
  std::string line;
  while (reader.next(line)) {
  }
  return reader.line_number();
}

/// The next pairs; none at the end. Throws DataError when one file ends before the other.
Pairs read_pairs(LineReader& source, LineReader& target, const ScoreOptions& options) {
  Pairs pairs;
  std::string source_line;
  std::string target_line;
  while (pairs.sources.size() < kWindow) {
    const bool has_source = source.next(source_line);
    const bool has_target = target.next(target_line);
    if (has_source != has_target) {
      const std::int64_t source_lines = count_rest(source);
      const std::int64_t target_lines = count_rest(target);
      throw DataError(different_counts(options.source, source_lines, options.target, target_lines));
    }
    if (!has_source) break;
    pairs.sources.push_back(source_line);
    pairs.targets.push_back(target_line);
  }
  return pairs;
}

/// "score", or "score ||| alignment".
std::string format_score(const Score& score, bool aligns, bool as_json) {
  if (!as_json) {
    const std::string number = fmt::format("{:.6f}", score.log_probability);
    return (aligns ? number + " ||| " + to_text(score.alignment) : number) + '\n';
  }
  Json json = {{"log_probability", score.log_probability},
               {"tokens", score.tokens},
               {"token_scores", score.token_scores}};
  if (aligns) json["alignment"] = to_json(score.alignment);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

void score(const ScoreOptions& options) {
  if (options.source == "-" && options.target == "-")
    throw UsageError(
        "score: source and target cannot both be standard input. Name a file for one of them.");
  const File source_file = InputFile::open(options.source, InputFile::Access::stream);
  const File target_file = InputFile::open(options.target, InputFile::Access::stream);
  const auto alignment = with_flags(AlignmentOptions{}, options.alignment);
  const bool aligns = alignment.alignment != AlignmentOutput::none;
  check_counts(source_file, target_file);
  LineReader source(source_file);
  LineReader target(target_file);
  LineOutput output(options.output);
  const Translator translator = options.model.load();
  std::int64_t lines = 0;
  std::int64_t tokens = 0;
  double total = 0.0;
  bool is_wanted = true;
  while (is_wanted) {
    const Pairs pairs = read_pairs(source, target, options);
    if (pairs.sources.empty()) break;
    std::string text;
    for (const Score& scored : translator.score_batch(pairs.sources, pairs.targets, alignment)) {
      text += format_score(scored, aligns, options.format == "jsonl");
      ++lines;
      tokens += static_cast<std::int64_t>(scored.token_scores.size());
      total += scored.log_probability;
    }
    is_wanted = output.write(text);
  }
  output.finish();
  fmt::print(stderr, "scored {} lines, {} tokens: log-probability {:.4f}, perplexity {:.4f}\n",
             lines, tokens, total,
             tokens == 0 ? 1.0 : std::exp(-total / static_cast<double>(tokens)));
}

}  // namespace

void add_score(CLI::App& program) {
  auto options = std::make_shared<ScoreOptions>();
  CLI::App* command =
      program.add_subcommand("score", "Print log p(target | source) of given translations");
  options->model.add_to(*command);
  command->add_option("--source", options->source, "source lines")->required()->type_name("FILE");
  command->add_option("--target", options->target, "target lines")->required()->type_name("FILE");
  command->add_option("--output,-o", options->output, "scores; - is standard output")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_option("--format", options->format, "text, or JSON with tokens and their scores")
      ->check(CLI::IsMember({"text", "jsonl"}))
      ->type_name("text|jsonl")
      ->capture_default_str();
  AlignmentOptions defaults;
  add_field_flags(*command, describe(defaults), options->alignment, {}, "Alignment");
  command->callback([options] { score(*options); });
}

}  // namespace dragoman
