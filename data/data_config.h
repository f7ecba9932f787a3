// Which corpora feed training, how they are filtered, and how batches are cut.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dragoman/data/automatic_integer.h"

namespace dragoman {

/// What to do with a line that is not UTF-8 or holds a NUL byte: stop with file:line, or replace
/// each bad sequence by U+FFFD (and drop NUL) and count it.
enum class InvalidText { error, replace };
constexpr auto names(InvalidText) {
  return std::to_array<std::pair<std::string_view, InvalidText>>(
      {{"error", InvalidText::error}, {"replace", InvalidText::replace}});
}

/// detect: from the file name (.tsv, .jsonl, .json; a further .gz is allowed everywhere), else
/// text.
enum class CorpusFormat { detect, text, tsv, jsonl };
constexpr auto names(CorpusFormat) {
  return std::to_array<std::pair<std::string_view, CorpusFormat>>({{"detect", CorpusFormat::detect},
                                                                   {"text", CorpusFormat::text},
                                                                   {"tsv", CorpusFormat::tsv},
                                                                   {"jsonl", CorpusFormat::jsonl}});
}

/// One parallel corpus: two line-aligned files, or one file of TSV (source, target) or JSONL
/// ({"source": ..., "target": ...}) named by `source`. "-" is standard input (TSV or JSONL).
struct CorpusConfig {
  std::string source;
  std::string target;
  CorpusFormat format = CorpusFormat::detect;
  double weight = 1.0;
  std::string source_prefix;
  std::string target_prefix;
  std::string alignment;

  static void fields(auto& self, auto&& visit) {
    visit("source", self.source,
          "file of source lines, or of both sides for TSV and JSONL; may be .gz; - is standard "
          "input");
    visit("target", self.target, "file of target lines; empty for TSV and JSONL");
    visit("format", self.format, "text (two aligned files), tsv or jsonl; detect: by file name");
    visit("weight", self.weight, "passes over this corpus per epoch; 0.5 takes a random half", 0.0,
          10000.0);
    visit("source_prefix", self.source_prefix,
          "put before every source line that is not empty, with a space; words in angle brackets, "
          "as in \"<2de> <news>\", are one piece each");
    visit("target_prefix", self.target_prefix, "the same for the target lines");
    visit("alignment", self.alignment,
          "file of links between the words of each pair, such as \"0-0 1-2\" (source-target), for "
          "training.guided_alignment; may be .gz");
  }
  void check(auto&&) const {}
};

/// Section "data". Lengths are in tokens (pieces, without </s>).
struct DataConfig {
  std::string folder;
  std::vector<CorpusConfig> train;
  CorpusConfig dev;
  double temperature = 1.0;
  InvalidText invalid_text = InvalidText::error;
  std::int64_t min_length = 1;
  std::int64_t max_length = 250;
  std::int64_t max_source_length = 0;
  double max_length_ratio = 9.0;
  std::vector<std::string> protect;
  AutomaticInteger batch_tokens = 4096;
  std::int64_t max_batch_sentences = 10000;
  std::int64_t shuffle_buffer = 500000;
  std::int64_t seed = 1;
  std::int64_t prefetch_batches = 16;
  std::int64_t threads = 2;

  static void fields(auto& self, auto&& visit) {
    visit("folder", self.folder, "where relative corpus paths begin; empty: the working directory");
    visit("train", self.train, "the training corpora");
    visit("dev", self.dev, "the development corpus");
    visit("temperature", self.temperature,
          "a corpus is drawn in proportion to its weight times its size to the power of 1 / "
          "temperature, in epochs as long as with 1; above 1 small corpora come more often",
          0.01, 1e6);
    visit("invalid_text", self.invalid_text, "what to do with lines that are not UTF-8");
    visit("min_length", self.min_length, "drop pairs with a side shorter than this, in tokens", 0,
          100000);
    visit("max_length", self.max_length, "drop pairs with a side longer than this, in tokens", 1,
          100000);
    visit("max_source_length", self.max_source_length,
          "cut longer sources to so many tokens before the lengths are looked at; 0: cut nothing",
          0, 100000);
    visit("max_length_ratio", self.max_length_ratio,
          "drop pairs whose longer side (plus 3) has more than so many times the tokens of the "
          "shorter (plus 3)",
          1.0, 1e9);
    visit("protect", self.protect,
          "with a copy head: spans that are one word each where both sides hold them: url, email, "
          "number, placeholder, tag, or regular expressions");
    visit("batch_tokens", self.batch_tokens,
          "sentences times longest side, padding and </s> included, at most; a single longer pair "
          "makes a batch; \"auto\": what is fastest and fits into memory here, by trying",
          1, 100000000);
    visit("max_batch_sentences", self.max_batch_sentences, "sentence pairs in a batch, at most", 1,
          10000000);
    visit("shuffle_buffer", self.shuffle_buffer,
          "pairs held in memory to shuffle and to sort by length; a smaller corpus is shuffled as "
          "a whole",
          1, 100000000);
    visit("seed", self.seed, "seeds the order of the data", 0, 9007199254740991);
    visit("prefetch_batches", self.prefetch_batches, "batches made ready ahead of training", 1,
          10000);
    visit("threads", self.threads, "threads that tokenise", 1, 1024);
  }
  void check(auto&& require) const {
    require(min_length <= max_length, "min_length", "must not exceed max_length");
    require(dev.alignment.empty(), "dev.alignment", "is not read: links serve training alone");
  }
};

}  // namespace dragoman
