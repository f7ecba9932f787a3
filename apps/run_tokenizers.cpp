#include "apps/run_tokenizers.h"

#include <fmt/format.h>

#include <iterator>

#include "dragoman/data/error.h"
#include "dragoman/data/parallel_reader.h"
#include "dragoman/data/piece_text.h"
#include "dragoman/inference/batch_translator.h"

namespace dragoman {
namespace {

using LinesOfSide = std::function<std::vector<std::string>(Side)>;

std::string train_on(const RunConfig& config, const std::vector<Side>& sides,
                     const LinesOfSide& lines_of, Log& log) {
  std::vector<std::string> lines;
  for (const Side side : sides) {
    auto part = lines_of(side);
    lines.insert(lines.end(), std::make_move_iterator(part.begin()),
                 std::make_move_iterator(part.end()));
  }
  log.info(fmt::format("training a tokeniser of {} pieces on {} lines",
                       config.tokenizer.vocabulary_size, lines.size()));
  TokenizerConfig settings = config.tokenizer;
  // With the mark of whitespace before them, which would else be a piece of its own.
  for (const std::string& tag : prefix_tags(config.data.train))
    settings.user_symbols.push_back(std::string(kSpace) + tag);
  return train_tokenizer(settings, lines);
}

void check_tags(const std::vector<CorpusConfig>& corpora, const Tokenizers& tokenizers) {
  for (const CorpusConfig& corpus : corpora)
    for (const Side side : {Side::source, Side::target}) {
      const bool is_source = side == Side::source;
      const Tokenizer& tokenizer = is_source ? tokenizers.source : tokenizers.target;
      CorpusConfig one_side;
      (is_source ? one_side.source_prefix : one_side.target_prefix) =
          is_source ? corpus.source_prefix : corpus.target_prefix;
      for (const std::string& tag : prefix_tags({one_side})) {
        std::vector<std::string> pieces = tokenizer.encode_pieces(tag);
        if (!pieces.empty() && pieces.front() == kSpace) pieces.erase(pieces.begin());
        const bool is_piece =
            pieces.size() == 1 && tokenizer.id(pieces.front()) != tokenizer.unknown_id();
        if (is_piece) continue;
        throw UsageError(fmt::format(
            "data.train: {}_prefix has the tag {}, which the {} tokeniser cuts into {} pieces. "
            "Give the tokeniser the tag as a user symbol when it is trained, or write the prefix "
            "without angle brackets.",
            is_source ? "source" : "target", tag, is_source ? "source" : "target", pieces.size()));
      }
    }
}

void fill_vocabulary(std::int64_t& setting, std::int64_t size, const char* key, bool is_joint) {
  if (setting != 0 && setting != size)
    throw UsageError(
        fmt::format("model.{}: is {}, but the tokeniser has {} pieces. Leave it out to take the "
                    "tokeniser's size. {}",
                    key, setting, size,
                    is_joint ? "tokenizer.joint is true, so source and target share it" : ""));
  setting = size;
}

}  // namespace

void resolve_paths(DataConfig& data) {
  for (CorpusConfig& corpus : data.train)
    corpus = with_folder(corpus, data.folder);
  data.dev = with_folder(data.dev, data.folder);
  data.folder.clear();
}

Tokenizers load_tokenizers(const std::string& source_path, const std::string& target_path) {
  const Tokenizer source = Tokenizer::from_file(source_path);
  return {source, target_path.empty() ? source : Tokenizer::from_file(target_path)};
}

Tokenizers make_tokenizers(const RunConfig& config, const LinesOfSide& lines, Log& log) {
  const TokenizerConfig& settings = config.tokenizer;
  if (settings.joint && !settings.target_model.empty() &&
      settings.target_model != settings.source_model)
    throw UsageError(
        "tokenizer.joint: is true, but source_model and target_model are different files. Set "
        "joint "
        "to false, or leave target_model empty.");
  if (!settings.source_model.empty() && (settings.joint || !settings.target_model.empty()))
    return load_tokenizers(settings.source_model, settings.joint ? "" : settings.target_model);
  if (settings.joint) {
    const Tokenizer both = Tokenizer::from_bytes(
        train_on(config, {Side::source, Side::target}, lines, log), "the trained tokeniser");
    return {both, both};
  }
  const auto one = [&](const std::string& path, Side side) {
    return path.empty() ? Tokenizer::from_bytes(train_on(config, {side}, lines, log),
                                                "the trained tokeniser")
                        : Tokenizer::from_file(path);
  };
  return {one(settings.source_model, Side::source), one(settings.target_model, Side::target)};
}

void fill_vocabularies(RunConfig& config, const Tokenizers& tokenizers) {
  fill_vocabulary(config.model.source_vocabulary, tokenizers.source.size(), "source_vocabulary",
                  config.tokenizer.joint);
  fill_vocabulary(config.model.target_vocabulary, tokenizers.target.size(), "target_vocabulary",
                  config.tokenizer.joint);
}

PairEncoder make_encoder(const RunConfig& config, const Tokenizers& tokenizers) {
  CopyOptions copy = copy_options(config.model);
  copy.protect = config.data.protect;
  const TokenizerConfig& settings = config.tokenizer;
  check_tags(config.data.train, tokenizers);
  return PairEncoder(tokenizers.source, tokenizers.target, copy)
      .framing(sequence_frame(config.model))
      .sampling({.dropout = settings.source_dropout, .alpha = settings.source_alpha},
                {.dropout = settings.target_dropout, .alpha = settings.target_alpha});
}

}  // namespace dragoman
