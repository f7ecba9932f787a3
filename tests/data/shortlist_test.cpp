// Lexical tables and the shortlists that are made of them.
#include "dragoman/data/shortlist.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/lexical_model.h"
#include "dragoman/data/random.h"
#include "dragoman/data/shortlist_builder.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

namespace {

using Catch::Matchers::Contains;
using dragoman::LexicalModel;
using dragoman::Shortlist;
using dragoman::TokenPair;
using dragoman_test::TemporaryFolder;

constexpr std::int64_t kSourceWords = 90;
constexpr std::int64_t kTargetWords = 70;

/// Target word w mostly stands where source word w does.
std::vector<TokenPair> random_pairs(std::size_t count) {
  dragoman::Random random(7);
  std::vector<TokenPair> pairs(count);
  for (TokenPair& pair : pairs)
    for (std::uint64_t place = 0, length = 1 + random.below(8); place < length; ++place) {
      const auto word = static_cast<std::int32_t>(random.below(kTargetWords));
      pair.source.push_back(random.below(4) == 0 ? static_cast<std::int32_t>(random.below(90))
                                                 : word);
      if (random.below(10) != 0) pair.target.push_back(word);
    }
  std::erase_if(pairs, [](const TokenPair& pair) { return pair.target.empty(); });
  return pairs;
}

LexicalModel trained_lexicon(const std::vector<TokenPair>& pairs, int iterations,
                             std::int64_t threads) {
  LexicalModel model(kSourceWords, kTargetWords, threads);
  for (int iteration = 0; iteration < iterations; ++iteration) {
    const std::size_t half = pairs.size() / 2;
    model.add(std::span(pairs).first(half));
    model.add(std::span(pairs).subspan(half));
    model.maximize();
  }
  return model;
}

dragoman::Tokenizer number_tokenizer() {
  static const std::string bytes = [] {
    std::vector<std::string> lines;
    for (int number = 0; number < 400; ++number)
      lines.push_back("aa bb cc dd ee ff gg hh " + std::to_string(number % 7));
    dragoman::TokenizerConfig config;
    config.type = dragoman::TokenizerType::word;
    config.vocabulary_size = 19;
    return dragoman::train_tokenizer(config, lines);
  }();
  return dragoman::Tokenizer::from_bytes(bytes, "numbers.spm");
}

std::string shortlist_error(const std::function<void()>& call) {
  try {
    call();
  } catch (const dragoman::Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("the lexical model is what the reference computes", "[shortlist]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python (set DRAGOMAN_PYTHON)");
    return;
  }
  const std::vector<TokenPair> pairs = random_pairs(300);
  const TemporaryFolder folder;
  std::string text;
  for (const TokenPair& pair : pairs) {
    for (const std::int32_t word : pair.source)
      text += std::to_string(word) + " ";
    text += "|";
    for (const std::int32_t word : pair.target)
      text += " " + std::to_string(word);
    text += "\n";
  }
  folder.write("pairs", text);
  REQUIRE(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/data/lexical_reference.py",
                                    folder.path("pairs") + " 4 " + folder.path("out")) == 0);
  const LexicalModel model = trained_lexicon(pairs, 4, 2);
  std::istringstream lines(folder.read("out"));
  std::size_t entries = 0;
  double worst = 0.0;
  std::int32_t source = 0;
  std::int32_t target = 0;
  double probability = 0.0;
  while (lines >> source >> target >> probability) {
    ++entries;
    const std::int32_t word = source < 0 ? static_cast<std::int32_t>(kSourceWords) : source;
    worst = std::max(worst, std::abs(model.probability(word, target) - probability));
  }
  CHECK(entries == model.size());
  CHECK(worst < 1e-6);
}

TEST_CASE("any number of threads gives the same table, and translations come first",
          "[shortlist]") {
  const std::vector<TokenPair> pairs = random_pairs(2000);
  const auto alone = trained_lexicon(pairs, 5, 1).best(5);
  const auto together = trained_lexicon(pairs, 5, 5).best(5);
  REQUIRE(alone.size() == static_cast<std::size_t>(kSourceWords));
  for (std::size_t word = 0; word < alone.size(); ++word) {
    REQUIRE(alone[word].size() == together[word].size());
    for (std::size_t rank = 0; rank < alone[word].size(); ++rank) {
      CHECK(alone[word][rank].word == together[word][rank].word);
      CHECK(alone[word][rank].probability == together[word][rank].probability);
    }
    if (word < static_cast<std::size_t>(kTargetWords))
      CHECK(alone[word].front().word == static_cast<std::int32_t>(word));
  }
}

TEST_CASE("a shortlist selects frequent words, candidates and what is needed", "[shortlist]") {
  const Shortlist list(1, 20, {3, 1, 3}, {{5, 4}, {}, {7, 5, 19}});
  using Words = std::vector<std::int64_t>;
  CHECK(list.select(Words{}, Words{}) == Words{1, 3});
  CHECK(list.select(Words{0, 2, 0}, Words{}) == Words{1, 3, 4, 5, 7, 19});
  CHECK(list.select(Words{1, 99, -1}, Words{11, 20, -2}) == Words{1, 3, 11});
}

TEST_CASE("a shortlist's file comes back whole, or not at all", "[shortlist]") {
  const TemporaryFolder folder;
  const Shortlist list(0x1234567890abcdef, 20, {3, 1}, {{5, 4}, {}, {7, 5, 19}});
  list.save(folder.path("list"));
  const Shortlist loaded = Shortlist::load(folder.path("list"));
  CHECK(loaded.tokenizers() == list.tokenizers());
  CHECK(loaded.target_words() == 20);
  CHECK(loaded.source_words() == 3);
  CHECK(std::ranges::equal(loaded.frequent(), list.frequent()));
  for (std::int64_t word = 0; word < 3; ++word)
    CHECK(std::ranges::equal(loaded.candidates(word), list.candidates(word)));

  const std::string content = folder.read("list");
  for (std::size_t size = 0; size < content.size(); ++size) {
    folder.write("short", content.substr(0, size));
    CHECK_THROWS_AS(Shortlist::load(folder.path("short")), dragoman::DataError);
  }
  for (std::size_t byte = 0; byte < content.size(); ++byte)
    for (const int bit : {0, 7}) {
      std::string flipped = content;
      flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << bit));
      folder.write("flipped", flipped);
      CHECK_THROWS_AS(Shortlist::load(folder.path("flipped")), dragoman::DataError);
    }
  folder.write("foreign", "just text, longer than the head of a shortlist's file");
  CHECK_THAT(shortlist_error([&] { (void)Shortlist::load(folder.path("foreign")); }),
             Contains("is no shortlist") && Contains("dragoman shortlist"));
}

TEST_CASE("a shortlist is built from a corpus, or from another program's table", "[shortlist]") {
  const dragoman::Tokenizer tokenizer = number_tokenizer();
  const dragoman::PairEncoder encoder(tokenizer, tokenizer);
  const TemporaryFolder folder;
  std::string source;
  std::string target;
  for (int line = 0; line < 60; ++line) {
    const bool first = line % 2 == 0;
    source += first ? "aa bb\n" : "aa cc\n";
    target += first ? "dd ee\n" : "dd ff\n";
  }
  folder.write("s", source + "\n");
  folder.write("t", target + "gg\n");
  dragoman::ShortlistReport report;
  dragoman::ShortlistOptions options{.first = 1, .best = 1, .threads = 2};
  const Shortlist list = build_shortlist(encoder, {folder.path("s"), folder.path("t")}, options,
                                         dragoman::InvalidText::error, report);
  CHECK(report.pairs == 61);
  CHECK(report.skipped == 1);
  CHECK(list.tokenizers() == tokenizer_hash(encoder));
  const auto id = [&](const char* piece) {
    const std::int32_t found = tokenizer.id(std::string("\xe2\x96\x81") + piece);
    REQUIRE(found != tokenizer.unknown_id());
    return found;
  };
  const auto holds = [](std::span<const std::int32_t> words, std::int32_t word) {
    return std::ranges::find(words, word) != words.end();
  };
  CHECK(holds(list.frequent(), id("dd")));
  CHECK(holds(list.frequent(), tokenizer.end_id()));
  CHECK(holds(list.candidates(id("bb")), id("ee")));
  CHECK(holds(list.candidates(id("cc")), id("ff")));
  CHECK(holds(list.candidates(id("aa")), id("dd")));
  CHECK(holds(list.candidates(id("hh")), id("hh")));  // spelled alike
  CHECK(list.candidates(id("bb")).size() == 2);

  folder.write("lex",
               "\xe2\x96\x81"
               "ee \xe2\x96\x81"
               "bb 0.3\n\xe2\x96\x81"
               "ff \xe2\x96\x81"
               "bb 0.4\nNULL \xe2\x96\x81"
               "bb 0.9\n");
  const Shortlist imported = import_shortlist(encoder, folder.path("lex"), options, report);
  CHECK(report.pairs == 3);
  CHECK(report.skipped == 1);
  CHECK(holds(imported.candidates(id("bb")), id("ff")));
  CHECK_FALSE(holds(imported.candidates(id("bb")), id("ee")));
  folder.write("bad", "a b\n");
  CHECK_THAT(shortlist_error(
                 [&] { (void)import_shortlist(encoder, folder.path("bad"), options, report); }),
             Contains("bad:1: has 2 columns"));
  folder.write("bad", "a b c\n");
  CHECK_THAT(shortlist_error(
                 [&] { (void)import_shortlist(encoder, folder.path("bad"), options, report); }),
             Contains("bad:1: 'c' is no probability"));
  CHECK_THAT(shortlist_error([&] {
               (void)build_shortlist(encoder, {"-", "", dragoman::CorpusFormat::tsv}, options,
                                     dragoman::InvalidText::error, report);
             }),
             Contains("read several times"));
}
