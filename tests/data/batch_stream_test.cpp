#include "dragoman/data/batch_stream.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tests/data/streams.h"
#include "tests/support/catch.h"

using dragoman::BatchStream;
using dragoman::CorpusFormat;
using dragoman::DataConfig;
using dragoman_test::are_equal;
using dragoman_test::Corpus;
using dragoman_test::open_stream;
using dragoman_test::pairs_of;
using dragoman_test::small_batches;
using dragoman_test::sorted;
using dragoman_test::take;
using dragoman_test::take_epoch;
using dragoman_test::TemporaryFolder;
using dragoman_test::write_corpus;

TEST_CASE("an epoch has every pair once, with its own target, in new order each time",
          "[batch_stream]") {
  const TemporaryFolder folder;
  const Corpus corpus("x", 730);
  for (const std::int64_t buffer : {100, 1000}) {  // 8 chunks, or one
    auto config = small_batches({write_corpus(folder, "x", corpus)});
    config.shuffle_buffer = buffer;
    BatchStream stream = open_stream(config);
    const auto first = take_epoch(stream);
    const auto second = take_epoch(stream);
    CHECK(sorted(pairs_of(first)) == pairs_of(corpus));
    CHECK(sorted(pairs_of(second)) == pairs_of(corpus));
    CHECK(pairs_of(first) != pairs_of(second));
    for (const auto& batch : first)
      CHECK(batch.epoch == 0);
    for (const auto& batch : second)
      CHECK(batch.epoch == 1);
    CHECK(stream.next().epoch == 2);
  }
}

TEST_CASE("batches keep to the token budget, and count their tokens", "[batch_stream]") {
  const TemporaryFolder folder;
  auto config = small_batches({write_corpus(folder, "x", Corpus("x", 500))});
  BatchStream stream = open_stream(config);
  for (const auto& [batch, epoch, position, ends_epoch] : take_epoch(stream)) {
    CHECK(batch.sentences() * std::max(batch.source.size(1), batch.target_input.size(1)) <= 400);
    CHECK(batch.source_lengths.sum().item<std::int64_t>() == batch.source_tokens);
    CHECK(batch.target_lengths.sum().item<std::int64_t>() == batch.target_tokens);
    CHECK(batch.source_lengths.max().item<std::int64_t>() == batch.source.size(1));
    CHECK(batch.target_lengths.max().item<std::int64_t>() == batch.target_output.size(1));
  }
  config.max_batch_sentences = 3;
  BatchStream narrow = open_stream(config);
  for (const auto& streamed : take_epoch(narrow))
    CHECK(streamed.batch.sentences() <= 3);
}

TEST_CASE("batches are the same for any number of threads", "[batch_stream]") {
  const TemporaryFolder folder;
  auto config = small_batches({write_corpus(folder, "x", Corpus("x", 3000))});
  config.shuffle_buffer = 1100;
  config.threads = 1;
  BatchStream one = open_stream(config);
  const auto expected = take(one, 200);
  for (const std::int64_t threads : {2, 5}) {
    config.threads = threads;
    config.prefetch_batches = threads;
    BatchStream several = open_stream(config);
    CHECK(are_equal(take(several, 200), expected));
  }
}

TEST_CASE("another seed gives another order", "[batch_stream]") {
  const TemporaryFolder folder;
  auto config = small_batches({write_corpus(folder, "x", Corpus("x", 300))});
  BatchStream one = open_stream(config);
  config.seed = 2;
  BatchStream two = open_stream(config);
  const auto first = pairs_of(take_epoch(one));
  const auto second = pairs_of(take_epoch(two));
  CHECK(first != second);
  CHECK(sorted(first) == sorted(second));
}

TEST_CASE("text, gzip, TSV, JSONL and standard input give the same batches", "[batch_stream]") {
  const TemporaryFolder folder;
  const Corpus corpus("x", 350);
  std::string tsv;
  std::string jsonl;
  for (const auto& [source, target] : pairs_of(corpus)) {
    tsv += source + "\t" + target + "\n";
    jsonl += nlohmann::json{{"source", source}, {"target", target}}.dump() + "\n";
  }
  Corpus in_order = corpus;
  in_order.source.clear();
  in_order.target.clear();
  for (const auto& [source, target] : pairs_of(corpus)) {
    in_order.source.push_back(source);
    in_order.target.push_back(target);
  }
  BatchStream text = open_stream(small_batches({write_corpus(folder, "x", in_order)}));
  const auto expected = pairs_of(take(text, 60));
  folder.write("s.gz", dragoman_test::compress(dragoman_test::join(in_order.source)));
  folder.write("x.tsv", tsv);
  folder.write("x.jsonl.gz", dragoman_test::compress(jsonl));
  const dragoman_test::StandardInput input(tsv);
  for (const dragoman::CorpusConfig& same :
       {dragoman::CorpusConfig{.source = "s.gz", .target = "x.target"},
        {.source = "x.tsv", .target = ""},
        {.source = "x.jsonl.gz", .target = ""},
        {.source = "-", .target = "", .format = CorpusFormat::tsv}}) {
    auto config = small_batches({same});
    config.folder = folder.path();
    BatchStream stream = open_stream(config);
    CHECK(pairs_of(take(stream, 60)) == expected);
  }
}

TEST_CASE("weights say how often a corpus comes in an epoch", "[batch_stream]") {
  const TemporaryFolder folder;
  const auto a = write_corpus(folder, "a", Corpus("a", 100), 2.5);
  const auto b = write_corpus(folder, "b", Corpus("b", 300), 0.5);
  const auto c = write_corpus(folder, "c", Corpus("c", 50), 0.0);
  const auto d = write_corpus(folder, "d", Corpus("d", 20), 0.001);
  BatchStream stream = open_stream(small_batches({a, b, c, d}));
  std::set<std::string> halves[2];
  for (auto& half : halves) {
    std::map<std::string, int> seen;
    std::map<char, int> total;
    for (const auto& [source, target] : pairs_of(take_epoch(stream))) {
      ++seen[source];
      ++total[source.front()];
      if (source.front() == 'b') half.insert(source);
    }
    CHECK(total == std::map<char, int>{{'a', 250}, {'b', 150}, {'d', 1}});
    CHECK(half.size() == 150);
    for (const auto& [source, count] : seen) {
      if (source.front() == 'a') CHECK((count == 2 || count == 3));
    }
  }
  std::set<std::string> either = halves[0];
  either.insert(halves[1].begin(), halves[1].end());
  CHECK(either.size() > 190);  // 225 expected
  CHECK(either.size() < 260);
}

TEST_CASE("corpora are mixed evenly over an epoch", "[batch_stream]") {
  const TemporaryFolder folder;
  const auto a = write_corpus(folder, "a", Corpus("a", 300));
  const auto b = write_corpus(folder, "b", Corpus("b", 100));
  BatchStream stream = open_stream(small_batches({a, b}));
  const auto pairs = pairs_of(take_epoch(stream));
  REQUIRE(pairs.size() == 400);
  for (std::size_t chunk = 0; chunk < 4; ++chunk) {
    const auto start = pairs.begin() + static_cast<std::ptrdiff_t>(100 * chunk);
    CHECK(std::count_if(start, start + 100,
                        [](const auto& pair) { return pair.first.front() == 'b'; }) == 25);
  }
}

TEST_CASE("filters drop pairs and count why", "[batch_stream]") {
  const TemporaryFolder folder;
  const std::string source =
      "\n"
      "ab\n"
      "abcdefgh\n"
      "a\n"
      "good one\n"
      "b\xFF\x41\n";
  const std::string target =
      "x\n"
      "abc\n"
      "abcdefghijklmnop\n"
      "abcdefghijk\n"
      "good too\n"
      "fine\n";
  auto config =
      small_batches({{.source = folder.write("s", source), .target = folder.write("t", target)}});
  config.invalid_text = dragoman::InvalidText::replace;
  config.min_length = 4;  // the marker of a word's start counts
  config.max_length = 16;
  BatchStream stream = open_stream(config);
  CHECK(stream.counts().read == 0);
  CHECK(pairs_of(take_epoch(stream)).size() == 2);
  const auto counts = stream.counts();
  CHECK(counts.read == 6);
  CHECK(counts.kept == 2);
  CHECK(counts.empty == 1);
  CHECK(counts.too_short == 2);
  CHECK(counts.too_long == 1);
  CHECK(counts.ratio == 0);
  CHECK(counts.invalid_text == 1);
  (void)take_epoch(stream);
  CHECK(stream.counts().read == 12);
  config.max_source_length = 4;  // too long no more
  BatchStream cut = open_stream(config);
  for (const auto& pair : take_epoch(cut))
    CHECK(pair.batch.source.size(1) <= 5);
  CHECK(cut.counts().cut == 2);  // "abcdefgh", "good one"
  config.max_source_length = 0;
  config.min_length = 1;
  config.max_length_ratio = 2.0;
  BatchStream by_ratio = open_stream(config);
  (void)take_epoch(by_ratio);
  CHECK(by_ratio.counts().ratio == 1);  // a: 2 + 3 against 12 + 3
  config.max_length_ratio = 3.0;
  BatchStream at_ratio = open_stream(config);
  (void)take_epoch(at_ratio);
  CHECK(at_ratio.counts().ratio == 0);
}

TEST_CASE("chunks whose pairs are all dropped do not end the epoch twice or never",
          "[batch_stream]") {
  const TemporaryFolder folder;
  const Corpus corpus("x", 500);
  for (const auto& [begin, end] :
       {std::pair{0U, 200U}, std::pair{150U, 350U}, std::pair{300U, 500U}}) {
    Corpus holes = corpus;
    for (std::size_t line = begin; line < end; ++line)
      holes.target[line].clear();
    BatchStream stream = open_stream(small_batches({write_corpus(folder, "x", holes)}));
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
      const auto batches = take_epoch(stream);
      CHECK(pairs_of(batches).size() == 300);
      CHECK(batches.front().epoch == epoch);
      CHECK(batches.back().epoch == epoch);
      CHECK(stream.counts().read >= 300 + 500 * epoch);
    }
  }
}

TEST_CASE("a stream can be left at any time", "[batch_stream]") {
  const TemporaryFolder folder;
  auto config = small_batches({write_corpus(folder, "x", Corpus("x", 2000))});
  config.prefetch_batches = 1;
  for (const std::size_t taken : {0UL, 1UL, 2UL, 7UL, 50UL}) {
    BatchStream stream = open_stream(config);
    CHECK(take(stream, taken).size() == taken);
  }
}
