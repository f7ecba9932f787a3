// dragoman shortlist: which target pieces may translate which source pieces, from parallel text.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "apps/commands.h"
#include "apps/field_flags.h"
#include "dragoman/data/error.h"
#include "dragoman/data/shortlist_builder.h"
#include "dragoman/inference/models/model_file.h"

namespace dragoman {
namespace {

struct ShortlistCommand {
  std::string model;
  CorpusConfig corpus;
  std::string table;
  std::string output;
  std::string invalid_text = "error";
  GivenFlags given;
};

void build(const ShortlistCommand& command) {
  if (command.table.empty() == command.corpus.source.empty())
    throw UsageError(
        "shortlist: give either a corpus (--source and --target) or a table (--import).");
  const auto options = with_flags(ShortlistOptions{}, command.given);
  const ModelFile file = load_model_file(command.model);
  ShortlistReport report;
  const auto policy = command.invalid_text == "replace" ? InvalidText::replace : InvalidText::error;
  const Shortlist list =
      command.table.empty() ? build_shortlist(file.encoder, command.corpus, options, policy, report)
                            : import_shortlist(file.encoder, command.table, options, report);
  list.save(command.output);
  std::int64_t candidates = 0;
  for (std::int64_t word = 0; word < list.source_words(); ++word)
    candidates += std::ssize(list.candidates(word));
  fmt::print(stderr,
             "{}: {} frequent pieces, {:.1f} candidates for each of {} source pieces; from {} {} "
             "({} left out), {} pairs of pieces.\n",
             command.output, list.frequent().size(),
             static_cast<double>(candidates) / static_cast<double>(list.source_words()),
             list.source_words(), report.pairs, command.table.empty() ? "sentence pairs" : "lines",
             report.skipped, report.entries);
}

}  // namespace

void add_shortlist(CLI::App& program) {
  auto options = std::make_shared<ShortlistCommand>();
  CLI::App* command = program.add_subcommand(
      "shortlist", "Find which target pieces may translate which source pieces, to decode faster");
  command->add_option("--model,-m", options->model, "the model whose tokenisers are used")
      ->required()
      ->type_name("MODEL.pt");
  CLI::Option* source = command
                            ->add_option("--source", options->corpus.source,
                                         "source lines, or both sides as TSV or JSONL; may be .gz")
                            ->type_name("FILE");
  command->add_option("--target", options->corpus.target, "target lines")
      ->type_name("FILE")
      ->needs(source);
  command
      ->add_option(
          "--import", options->table,
          "in place of a corpus: lines of target piece, source piece, probability (lex.s2t "
          "of Marian)")
      ->type_name("FILE");
  command->add_option("--output,-o", options->output, "the shortlist to write")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--invalid-text", options->invalid_text,
                   "what to do with lines that are no UTF-8")
      ->check(CLI::IsMember({"error", "replace"}))
      ->capture_default_str();
  ShortlistOptions defaults;
  add_field_flags(*command, describe(defaults), options->given);
  command->callback([options] { build(*options); });
}

}  // namespace dragoman
