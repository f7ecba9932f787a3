// dragoman translate: lines in, translated lines out, in order and as many.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "apps/alignment_output.h"
#include "apps/commands.h"
#include "apps/field_flags.h"
#include "apps/line_output.h"
#include "apps/model_flags.h"
#include "apps/translate_input.h"
#include "dragoman/data/line_reader.h"
#include "dragoman/inference/translator.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

struct TranslateOptions {
  ModelFlags model;
  std::string input = "-";
  std::string output = "-";
  std::string input_format = "text";
  std::string format = "text";
  std::string invalid_text = "error";
  std::int64_t window = 2000;
  std::string shard = "0/1";
  bool is_quiet = false;
  GivenFlags search;
};

struct Summary {
  std::int64_t lines = 0;
  std::int64_t tokens = 0;
  std::map<Status, std::int64_t> warnings;
  double seconds = 0.0;
};

/// [begin, end) in characters, as most readers of JSON count, from bytes of `text`.
Json characters(std::string_view text, std::size_t begin, std::size_t end) {
  const auto count = [text](std::size_t byte) {
    return std::ranges::count_if(text.substr(0, byte),
                                 [](char part) { return (part & 0xC0) != 0x80; });
  };
  return {count(begin), count(end)};
}

Json to_json(const Hypothesis& hypothesis, const std::string& source) {
  Json json{{"text", hypothesis.text},
            {"score", hypothesis.score},
            {"log_probability", hypothesis.log_probability},
            {"tokens", hypothesis.tokens},
            {"token_scores", hypothesis.token_scores}};
  if (const Protection& protection = hypothesis.protection; protection.kept()) {
    if (protection.spans > 0) json["protected"] = "kept";
  } else {
    json["protected"] = {{"missing", protection.missing}, {"repeated", protection.repeated}};
  }
  if (!hypothesis.unmet_constraints.empty())
    json["unmet_constraints"] = hypothesis.unmet_constraints;
  if (hypothesis.expected_chrf > 0.0) json["expected_chrf"] = hypothesis.expected_chrf;
  if (!hypothesis.alignment.source_tokens.empty())
    json["alignment"] = to_json(hypothesis.alignment);
  if (hypothesis.copy_probabilities.empty()) return json;
  json["copy_probabilities"] = hypothesis.copy_probabilities;
  json["source_positions"] = hypothesis.source_positions;
  json["copied"] = Json::array();
  for (const CopiedSpan& span : hypothesis.copied)
    json["copied"].push_back({{"text", hypothesis.text.substr(span.begin, span.end - span.begin)},
                              {"output", characters(hypothesis.text, span.begin, span.end)},
                              {"source", characters(source, span.source_begin, span.source_end)},
                              {"probability", span.probability}});
  return json;
}

std::string json_line(const Translation& translation, const std::string& source,
                      bool with_hypotheses) {
  Json json = to_json(translation.hypotheses.front(), source);
  json["status"] = name(translation.status);
  json["warnings"] = Json::array();
  for (const Status warning : translation.warnings)
    json["warnings"].push_back(name(warning));
  if (with_hypotheses) {
    json["hypotheses"] = Json::array();
    for (const Hypothesis& hypothesis : translation.hypotheses)
      json["hypotheses"].push_back(to_json(hypothesis, source));
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

/// n_best > 1: "index ||| text ||| score", one line per hypothesis. Alignments come last.
std::string text_lines(const Translation& translation, std::int64_t index,
                       const DecodingOptions& options) {
  std::string lines;
  for (const Hypothesis& hypothesis : translation.hypotheses) {
    const std::string text = on_one_line(hypothesis.text);
    lines += options.n_best == 1
                 ? text
                 : fmt::format("{} ||| {} ||| {:.6f}", index, text, hypothesis.score);
    if (options.alignment != AlignmentOutput::none)
      lines += " ||| " + to_text(hypothesis.alignment);
    lines += '\n';
  }
  return lines;
}

void print_summary(const Summary& summary, std::int64_t repaired) {
  std::string warnings;
  for (const auto& [warning, count] : summary.warnings)
    warnings += fmt::format(", {} {}", name(warning), count);
  if (repaired > 0) warnings += fmt::format(", repaired input lines {}", repaired);
  const double seconds = std::max(summary.seconds, 1e-9);
  fmt::print(stderr, "translated {} lines, {} tokens in {:.2f} s ({:.1f} sentences/s){}\n",
             summary.lines, summary.tokens, summary.seconds,
             static_cast<double>(summary.lines) / seconds, warnings);
}

void translate(const TranslateOptions& options) {
  // What can be refused cheaply is refused before the model is loaded.
  const auto invalid_text =
      options.invalid_text == "replace" ? InvalidText::replace : InvalidText::error;
  const Shard shard = parse_shard(options.shard);
  LineReader reader(options.input, invalid_text);
  LineOutput output(options.output);
  const Translator translator = options.model.load();
  const DecodingOptions decoding = with_flags(translator.defaults(), options.search);

  // A person who types wants the answer to each line.
  const bool is_typed = options.input == "-" && isatty(STDIN_FILENO) == 1;
  const std::int64_t window = is_typed ? 1 : options.window;
  Summary summary;
  bool is_wanted = true;
  const bool is_jsonl = options.input_format == "jsonl";
  for (auto input = read_input(reader, is_jsonl, window, shard); is_wanted && !input.texts.empty();
       input = is_wanted ? read_input(reader, is_jsonl, window, shard) : TranslateInput()) {
    const std::vector<std::string>& lines = input.texts;
    const auto start = std::chrono::steady_clock::now();
    std::string text;
    const std::vector<Translation> translations =
        translator.translate_batch(lines, decoding, input.own);
    for (std::size_t line = 0; line < lines.size(); ++line) {
      const Translation& translation = translations[line];
      text += options.format == "jsonl" ? json_line(translation, lines[line], decoding.n_best > 1)
                                        : text_lines(translation, input.own[line].number, decoding);
      ++summary.lines;
      for (const Status warning : translation.warnings)
        ++summary.warnings[warning];
      summary.tokens += static_cast<std::int64_t>(translation.hypotheses.front().tokens.size());
    }
    summary.seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    is_wanted = output.write(text);
  }
  output.finish();
  if (!options.is_quiet) print_summary(summary, reader.repaired());
}

}  // namespace

void add_translate(CLI::App& program) {
  auto options = std::make_shared<TranslateOptions>();
  CLI::App* command = program.add_subcommand("translate", "Translate lines of text");
  options->model.add_to(*command);
  command
      ->add_option("--input,-i", options->input, "text, one sentence a line; - is standard input")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_option("--output,-o", options->output, "translations; - is standard output")
      ->type_name("FILE")
      ->capture_default_str();
  command
      ->add_option("--input-format", options->input_format,
                   "text, or a JSON object a line with text and, if wanted, prefix and constraints")
      ->check(CLI::IsMember({"text", "jsonl"}))
      ->type_name("text|jsonl")
      ->capture_default_str();
  command
      ->add_option("--format", options->format,
                   "text, or JSON with scores, tokens, status and warnings")
      ->check(CLI::IsMember({"text", "jsonl"}))
      ->type_name("text|jsonl")
      ->capture_default_str();
  command
      ->add_option("--invalid-text", options->invalid_text,
                   "what to do with lines that are no UTF-8")
      ->check(CLI::IsMember({"error", "replace"}))
      ->type_name("error|replace")
      ->capture_default_str();
  command
      ->add_option("--window", options->window,
                   "lines read before they are translated; memory grows with it")
      ->check(CLI::Range(1, 100000000))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--shard", options->shard,
                   "translate only the lines K, K + N, K + 2N, ..., counted from 0: one of N "
                   "processes that share an input")
      ->type_name("K/N")
      ->capture_default_str();
  command->add_flag("--quiet,-q", options->is_quiet, "no summary on standard error");
  DecodingOptions defaults;
  add_field_flags(*command, describe(defaults), options->search, {},
                  "Search (a model may bring other defaults)");
  command->callback([options] { translate(*options); });
}

}  // namespace dragoman
