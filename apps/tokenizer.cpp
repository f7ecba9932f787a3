// dragoman tokenizer: trains a SentencePiece model, and turns text into pieces or ids and back.
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/commands.h"
#include "apps/field_flags.h"
#include "apps/line_output.h"
#include "dragoman/data/corpus_sample.h"
#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/data/line_reader.h"
#include "dragoman/data/random.h"
#include "dragoman/data/tokenizer.h"

namespace dragoman {

namespace {

struct TokenizerTrainOptions {
  std::vector<std::string> inputs;
  std::string output;
  std::string invalid_text = "error";
  GivenFlags given;
};

struct CodingOptions {
  std::string model;
  std::string input = "-";
  std::string output = "-";
  std::string format = "pieces";
};

/// At most `limit` non-empty lines of all files, each equally likely (reservoir sampling).
std::vector<std::string> sample(const TokenizerTrainOptions& options, std::int64_t limit) {
  constexpr std::uint64_t kSeed = 1;
  const auto policy = options.invalid_text == "replace" ? InvalidText::replace : InvalidText::error;
  std::vector<std::string> lines;
  Random random(kSeed);
  std::uint64_t seen = 0;
  std::int64_t empty = 0;
  std::string line;
  for (const auto& path : options.inputs) {
    LineReader reader(path, policy);
    while (reader.next(line)) {
      if (line.empty()) {
        ++empty;
        continue;
      }
      ++seen;
      if (seen <= static_cast<std::uint64_t>(limit)) {
        lines.push_back(line);
      } else if (const auto place = random.below(seen); place < lines.size()) {
        lines[place] = line;
      }
    }
  }
  require_text(lines, options.inputs, static_cast<std::int64_t>(seen) + empty, empty);
  return lines;
}

void train(const TokenizerTrainOptions& options) {
  const auto config = with_flags(TokenizerConfig{}, options.given);
  const auto lines = sample(options, config.training_sentences);
  const auto bytes = train_tokenizer(config, lines);
  write_file_atomically(options.output, bytes);
  fmt::print(stderr, "{}: {} pieces from {} lines.\n", options.output,
             Tokenizer::from_bytes(bytes, options.output).size(), lines.size());
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < line.size();) {
    const auto end = std::min(line.find(' ', at), line.size());
    if (end > at) words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

std::int32_t parse_id(std::string_view word, const Tokenizer& tokenizer, const std::string& where) {
  std::int32_t id = -1;
  const auto [end, error] = std::from_chars(word.begin(), word.end(), id);
  if (error != std::errc() || end != word.end() || id < 0 || id >= tokenizer.size()) {
    throw DataError(fmt::format("{}: \"{}\" is no id of this tokeniser (0 to {}).", where, word,
                                tokenizer.size() - 1));
  }
  return id;
}

std::string encode_line(const Tokenizer& tokenizer, const std::string& line, bool as_ids) {
  return as_ids ? fmt::format("{}", fmt::join(tokenizer.encode(line), " "))
                : fmt::format("{}", fmt::join(tokenizer.encode_pieces(line), " "));
}

std::string decode_line(const Tokenizer& tokenizer, const std::string& line, bool as_ids,
                        const std::string& where) {
  std::vector<std::int32_t> ids;
  for (const auto word : words_of(line)) {
    ids.push_back(as_ids ? parse_id(word, tokenizer, where) : tokenizer.id(word));
  }
  return tokenizer.decode(ids);
}

/// Sends every line through `convert`; answers at once when a person is typing.
void convert_lines(
    const CodingOptions& options,
    const std::function<std::string(const std::string& line, const std::string& where)>& convert) {
  constexpr std::size_t kBlock = 1 << 16;
  LineReader reader(options.input);
  LineOutput output(options.output);
  const std::size_t block = ::isatty(STDIN_FILENO) == 1 ? 0 : kBlock;
  std::string line;
  std::string pending;
  bool is_wanted = true;
  while (is_wanted && reader.next(line)) {
    pending += on_one_line(convert(line, reader.where())) + "\n";
    if (pending.size() <= block) continue;
    is_wanted = output.write(pending);
    pending.clear();
  }
  if (is_wanted && output.write(pending)) output.finish();
}

void add_coding(CLI::App& parent, bool encodes) {
  auto options = std::make_shared<CodingOptions>();
  auto* command = encodes
                      ? parent.add_subcommand("encode", "Turn lines of text into pieces or ids")
                      : parent.add_subcommand("decode", "Turn lines of pieces or ids into text");
  command->add_option("--model,-m", options->model, "the SentencePiece model")
      ->required()
      ->type_name("MODEL.spm");
  command->add_option("--input,-i", options->input, "what to read; - is standard input")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_option("--output,-o", options->output, "what to write; - is standard output")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_option("--format", options->format, encodes ? "what to write" : "what is read")
      ->check(CLI::IsMember({"pieces", "ids"}))
      ->capture_default_str();
  command->callback([options, encodes] {
    const auto tokenizer = Tokenizer::from_file(options->model);
    const bool as_ids = options->format == "ids";
    convert_lines(*options, [&](const std::string& line, const std::string& where) {
      return encodes ? encode_line(tokenizer, line, as_ids)
                     : decode_line(tokenizer, line, as_ids, where);
    });
  });
}

}  // namespace

void add_tokenizer(CLI::App& program) {
  auto* command = program.add_subcommand("tokenizer", "Train a tokeniser, or run one");
  command->require_subcommand(1);
  auto options = std::make_shared<TokenizerTrainOptions>();
  auto* trainer = command->add_subcommand("train", "Train a SentencePiece model on text");
  trainer->add_option("--input,-i", options->inputs, "text files, may be .gz; - is standard input")
      ->required()
      ->type_name("FILE");
  trainer->add_option("--output,-o", options->output, "the model to write")
      ->required()
      ->type_name("MODEL.spm");
  trainer
      ->add_option("--invalid-text", options->invalid_text,
                   "what to do with lines that are no UTF-8")
      ->check(CLI::IsMember({"error", "replace"}))
      ->capture_default_str();
  TokenizerConfig defaults;
  add_field_flags(*trainer, describe(defaults), options->given,
                  {"joint", "source_model", "target_model", "source_dropout", "target_dropout",
                   "source_alpha", "target_alpha"});
  trainer->callback([options] { train(*options); });
  add_coding(*command, true);
  add_coding(*command, false);
}

}  // namespace dragoman
