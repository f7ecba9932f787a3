#include "dragoman/data/segmentation_sampler.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "dragoman/data/error.h"
#include "dragoman/data/pair_encoder.h"
#include "tests/data/texts.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

namespace {

using Catch::Contains;
using dragoman::PairEncoder;
using dragoman::Piece;
using dragoman::SamplingOptions;
using dragoman::SegmentationSampler;
using dragoman::Tokenizer;
using dragoman::TokenizerType;
using dragoman_test::Texts;
using Draw = SegmentationSampler::Draw;

/// Every line of the project's documentation: real text with code, tables, links and signs.
const Texts& documentation() {
  static const Texts texts = [] {
    Texts lines;
    for (const auto& entry : std::filesystem::directory_iterator(DRAGOMAN_SOURCE_DIR "/docs")) {
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);)
        if (!line.empty()) lines.push_back(line);
    }
    lines.insert(lines.end(), {"  spaces   inside ", "ＦＵＬＬ width ﬁ ½ ①", "李明 and 😀😀 here",
                               "e\u0301 \u00A0nbsp", "<s> </s> <unk>", "", " "});
    return lines;
  }();
  return texts;
}

Tokenizer trained(dragoman::TokenizerConfig config, const Texts& lines = documentation()) {
  return Tokenizer::from_bytes(dragoman::train_tokenizer(config, lines), "trained");
}

const Tokenizer& bpe() {
  static const Tokenizer tokenizer = trained(
      {.vocabulary_size = 600, .character_coverage = 0.999, .user_symbols = {"<2de>", "dragoman"}});
  return tokenizer;
}

const Tokenizer& unigram() {
  static const Tokenizer tokenizer = trained(
      {.type = TokenizerType::unigram, .vocabulary_size = 600, .character_coverage = 0.999});
  return tokenizer;
}

std::string joined(const std::vector<Piece>& pieces, const std::string& between = "") {
  std::string text;
  for (const Piece& piece : pieces)
    text += (text.empty() ? "" : between) + piece.text;
  return text;
}

std::vector<std::int32_t> ids_of(const std::vector<Piece>& pieces) {
  std::vector<std::int32_t> ids;
  for (const Piece& piece : pieces)
    ids.push_back(piece.id);
  return ids;
}

/// How often each segmentation of `word` came, of `draws`.
std::map<std::string, int> frequencies(const SegmentationSampler& sampler,
                                       const Tokenizer& tokenizer, const std::string& word,
                                       int draws) {
  std::map<std::string, int> counts;
  const auto pieces = tokenizer.encode_aligned(word);
  for (int draw = 0; draw < draws; ++draw)
    ++counts[joined(sampler.resample(pieces, word, static_cast<std::uint64_t>(draw),
                                     draw % 2 == 0 ? Draw::independent : Draw::by_word),
                    " ")];
  return counts;
}

void compare_with_python(const std::string& kind, const Tokenizer& tokenizer,
                         const SamplingOptions& options) {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python (set DRAGOMAN_PYTHON)");
    return;
  }
  const dragoman_test::TemporaryFolder folder;
  const auto model = folder.write("model", tokenizer.bytes());
  const std::string strength = std::to_string(std::max(options.dropout, options.alpha));
  REQUIRE(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/data/segmentation_reference.py",
                                    kind + " " + model + " " + strength +
                                        " sentence training aaaa > " +
                                        folder.path("probabilities")) == 0);
  std::istringstream reference(folder.read("probabilities"));
  constexpr int kDraws = 20000;
  const SegmentationSampler sampler(tokenizer, options, "source");
  for (const std::string word : {"sentence", "training", "aaaa"}) {
    auto counts = frequencies(sampler, tokenizer, word, kDraws);
    double sum = 0.0;
    for (std::string line; std::getline(reference, line) && !line.empty();) {
      const auto tab = line.find('\t');
      const double expected = std::stod(line.substr(tab + 1));
      const int count = counts[line.substr(0, tab)];
      counts.erase(line.substr(0, tab));
      CAPTURE(word, line, count);
      // Five standard deviations of a count, and one for those that are nearly never drawn.
      const double mean = kDraws * expected;
      CHECK(std::abs(count - mean) <= 5.0 * std::sqrt(mean * (1.0 - expected)) + 1.0);
      sum += expected;
    }
    CHECK(sum == Approx(1.0));
    CHECK(counts.empty());  // nothing that the definition does not know
  }
}

}  // namespace

TEST_CASE("without dropout the merges are those of SentencePiece", "[segmentation_sampler]") {
  const SegmentationSampler sampler(bpe(), {}, "source");
  for (const auto& line : documentation()) {
    const auto pieces = bpe().encode_aligned(line);
    CAPTURE(line);
    CHECK(ids_of(sampler.resample(pieces, line, 1, Draw::independent)) == bpe().encode(line));
  }
}

TEST_CASE("a great alpha leaves the best segmentation", "[segmentation_sampler]") {
  const SegmentationSampler sampler(unigram(), {.alpha = 1000.0}, "source");
  std::size_t words = 0;
  std::size_t equal = 0;
  for (const auto& line : documentation()) {
    std::istringstream text(line);
    for (std::string word; text >> word; ++words) {
      const auto pieces = unigram().encode_aligned(word);
      equal +=
          ids_of(sampler.resample(pieces, word, 1, Draw::independent)) == unigram().encode(word);
    }
  }
  // All but ties, which are drawn.
  CHECK(equal >= words * 99 / 100);
}

TEST_CASE("BPE-dropout has the probabilities of its definition", "[segmentation_sampler][python]") {
  compare_with_python("bpe", bpe(), {.dropout = 0.3});
}

TEST_CASE("unigram sampling has the probabilities of the model", "[segmentation_sampler][python]") {
  compare_with_python("unigram", unigram(), {.alpha = 0.4});
}

TEST_CASE("another segmentation spells the same text, and knows where", "[segmentation_sampler]") {
  for (const auto* tokenizer : {&bpe(), &unigram()}) {
    const bool is_bpe = tokenizer == &bpe();
    const SegmentationSampler sampler(
        *tokenizer, is_bpe ? SamplingOptions{.dropout = 0.5} : SamplingOptions{.alpha = 0.2},
        "target");
    std::size_t changed = 0;
    for (const auto& line : documentation()) {
      CAPTURE(line, is_bpe);
      const auto pieces = tokenizer->encode_aligned(line);
      const auto drawn = sampler.resample(pieces, line, 7, Draw::independent);
      CHECK(joined(drawn) == joined(pieces));
      changed += ids_of(drawn) != ids_of(pieces);
      std::size_t at = 0;
      for (const Piece& piece : drawn) {
        CHECK((piece.begin <= piece.end && piece.end <= line.size() && piece.begin >= at));
        at = piece.begin;
        if (piece.id == tokenizer->unknown_id()) continue;
        CHECK(tokenizer->piece(piece.id) == piece.text);
      }
    }
    CHECK(changed > documentation().size() * 8 / 10);
  }
}

TEST_CASE("unknown characters, user symbols and bytes are left whole", "[segmentation_sampler]") {
  const std::string line = "<2de> 李明 runs dragoman";
  const SegmentationSampler sampler(bpe(), {.dropout = 1.0}, "source");
  const auto drawn = sampler.resample(bpe().encode_aligned(line), line, 1, Draw::independent);
  CHECK(joined(drawn, " ") == "\u2581 <2de> \u2581 李明 \u2581 r u n s \u2581 dragoman");
  const Tokenizer bytes =
      trained({.vocabulary_size = 700, .character_coverage = 0.999, .byte_fallback = true});
  const SegmentationSampler all(bytes, {.dropout = 1.0}, "source");
  const auto spelled = all.resample(bytes.encode_aligned("李 ok"), "李 ok", 1, Draw::independent);
  CHECK(joined(spelled, " ") == "\u2581 <0xE6> <0x9D> <0x8E> \u2581 o k");
}

TEST_CASE("what is drawn depends on the seed alone", "[segmentation_sampler]") {
  const SegmentationSampler sampler(bpe(), {.dropout = 0.3}, "source");
  const std::string line = "what a sentence becomes depends on the seed alone";
  const auto pieces = bpe().encode_aligned(line);
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto drawn = joined(sampler.resample(pieces, line, seed, Draw::independent), " ");
    CHECK(drawn == joined(sampler.resample(pieces, line, seed, Draw::independent), " "));
    seen.insert(drawn);
  }
  CHECK(seen.size() > 45);
}

TEST_CASE("sampling is refused for tokenisers of another type", "[segmentation_sampler]") {
  const Tokenizer words = trained({.type = TokenizerType::word, .vocabulary_size = 200});
  CHECK_THROWS_WITH(SegmentationSampler(unigram(), {.dropout = 0.1}, "source"),
                    Contains("tokenizer.source_dropout: is for BPE models, which the source "
                             "tokeniser is not. Set it to 0, or use tokenizer.source_alpha."));
  CHECK_THROWS_WITH(SegmentationSampler(bpe(), {.alpha = 0.1}, "target"),
                    Contains("tokenizer.target_alpha: is for unigram models") &&
                        Contains("use tokenizer.target_dropout"));
  CHECK_THROWS_AS(SegmentationSampler(words, {.dropout = 0.1}, "source"), dragoman::UsageError);
}

TEST_CASE("a word of a million characters is cut in good time", "[segmentation_sampler]") {
  const std::string line(1000000, 'e');
  for (const auto* tokenizer : {&bpe(), &unigram()}) {
    const bool is_bpe = tokenizer == &bpe();
    const SegmentationSampler sampler(
        *tokenizer, is_bpe ? SamplingOptions{.dropout = 0.1} : SamplingOptions{.alpha = 0.2}, "");
    const auto pieces = tokenizer->encode_aligned(line);
    const auto start = std::chrono::steady_clock::now();
    const auto drawn = sampler.resample(pieces, line, 1, Draw::independent);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    CHECK(joined(drawn).size() == joined(pieces).size());
    CHECK(seconds.count() < 20.0);
  }
}

TEST_CASE("with a copy head each source piece yields itself, however it was drawn",
          "[segmentation_sampler]") {
  const PairEncoder plain(bpe(), bpe(), {.enabled = true});
  const PairEncoder encoder = plain.sampling({.dropout = 0.4}, {.dropout = 0.4});
  const std::string source = "Mr. Configuration reads 李明 and the documentation";
  const std::string target = "the documentation of 李明 and Mr. Configuration";
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto example = encoder.encode(source, target, {.seed = seed});
    REQUIRE(example.copy_ids.size() == example.source.size());
    std::set<std::int32_t> copyable;
    for (std::size_t at = 0; at < example.source.size(); ++at) {
      copyable.insert(example.copy_ids[at]);
      if (example.source[at] != bpe().unknown_id())
        CHECK(example.copy_ids[at] == example.source[at]);
      else
        CHECK(example.copy_ids[at] == bpe().size());  // the one extra word
    }
    // "\u2581documentation" stands on both sides: cut alike, so each of its pieces can be copied.
    std::string word;
    for (const auto id : example.target) {
      if (id >= bpe().size()) continue;
      const std::string piece = bpe().piece(id);
      word = piece.starts_with("\u2581") ? piece : word + piece;
      if (std::string("\u2581documentation").starts_with(word)) CHECK(copyable.contains(id));
    }
    CHECK(std::ranges::count(example.target, static_cast<std::int32_t>(bpe().size())) == 1);
  }
  // Without a seed, as for development sets, nothing is drawn.
  CHECK(encoder.encode(source, target).source == plain.encode(source, target).source);
  CHECK(encoder.encode(source, target).target == plain.encode(source, target).target);
}

TEST_CASE("each side is sampled by its own setting", "[segmentation_sampler]") {
  const PairEncoder plain(bpe(), bpe());
  const PairEncoder encoder = plain.sampling({.dropout = 0.5}, {});
  const std::string line = "each side is sampled by its own setting";
  std::size_t changed = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto example = encoder.encode(line, line, {.seed = seed});
    changed += example.source != plain.encode(line, line).source;
    CHECK(example.target == plain.encode(line, line).target);
    const auto both =
        plain.sampling({.dropout = 0.5}, {.dropout = 0.5}).encode(line, line, {.seed = seed});
    CHECK(both.source == example.source);
    CHECK(both.source != both.target);  // drawn independently without a copy head
  }
  CHECK(changed == 20);
}

TEST_CASE("with separate vocabularies drawn pieces still spell the words",
          "[segmentation_sampler]") {
  const Tokenizer other = trained({.vocabulary_size = 300, .character_coverage = 0.99});
  const PairEncoder encoder =
      PairEncoder(bpe(), other, {.enabled = true}).sampling({.dropout = 0.3}, {.dropout = 0.3});
  const std::string source = "Quartz and Zwieback of configuration";
  const std::string target = "configuration of Zwieback";
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto example = encoder.encode(source, target, {.seed = seed});
    std::set<std::int32_t> words(example.copy_ids.begin(), example.copy_ids.end());
    for (const auto id : example.target)
      if (id >= other.size()) CHECK(words.contains(id));
    for (std::size_t at = 0; at < example.source.size(); ++at)
      if (example.copy_ids[at] < other.size())
        CHECK(other.piece(example.copy_ids[at]) == bpe().piece(example.source[at]));
  }
}
