#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "tests/data/streams.h"
#include "tests/support/catch.h"

using Catch::Contains;
using dragoman::BatchStream;
using dragoman::DataConfig;
using dragoman::DataError;
using dragoman_test::are_equal;
using dragoman_test::Corpus;
using dragoman_test::open_stream;
using dragoman_test::small_batches;
using dragoman_test::take;
using dragoman_test::TemporaryFolder;
using dragoman_test::write_corpus;

namespace {

std::vector<dragoman::StreamedBatch> resume(const DataConfig& config, const std::string& position,
                                            std::size_t count, std::int64_t rank = 0,
                                            std::int64_t world_size = 1) {
  BatchStream stream = open_stream(config, rank, world_size);
  stream.seek(position);
  return take(stream, count);
}

std::int64_t chunk_of(const dragoman::StreamedBatch& streamed) {
  return nlohmann::json::parse(streamed.position).at("chunk").get<std::int64_t>();
}

/// Cuts a run of `count` batches at and beside all borders of chunks, and here and there between
/// them; each rest must equal that of the straight run.
void check_cuts(const DataConfig& config, std::size_t count) {
  constexpr std::size_t kRest = 25;  // goes on past the end of a chunk
  BatchStream straight = open_stream(config);
  const auto batches = take(straight, count + kRest);
  for (std::size_t cut = 1; cut <= count; ++cut) {
    const bool ends_epoch = batches[cut - 1].ends_epoch;
    const bool is_near_border = ends_epoch || batches[cut].ends_epoch ||
                                chunk_of(batches[cut - 1]) != chunk_of(batches[cut + 1]);
    if (!is_near_border && cut % 9 != 1) continue;
    CAPTURE(cut, ends_epoch);
    const std::vector rest(batches.begin() + static_cast<std::ptrdiff_t>(cut),
                           batches.begin() + static_cast<std::ptrdiff_t>(cut + kRest));
    CHECK(are_equal(resume(config, batches[cut - 1].position, kRest), rest));
  }
}

/// A stream that stands at a position, for the tests of what must not change.
struct Saved {
  Saved() : config(small_batches({write_corpus(folder, "x", corpus)})) {
    BatchStream stream = open_stream(config);
    position = take(stream, 5).back().position;
  }
  TemporaryFolder folder;
  Corpus corpus{"x", 300};
  DataConfig config;
  std::string position;
};

}  // namespace

TEST_CASE("resuming at any batch goes on with the same bits, over chunks and epochs",
          "[batch_stream]") {
  const TemporaryFolder folder;
  check_cuts(small_batches({write_corpus(folder, "x", Corpus("x", 330))}), 90);
}

TEST_CASE("resuming works when the corpus is one chunk", "[batch_stream]") {
  const TemporaryFolder folder;
  auto config = small_batches({write_corpus(folder, "x", Corpus("x", 200))});
  config.shuffle_buffer = 1000;
  check_cuts(config, 60);
}

TEST_CASE("resuming works with weights, gzip and several corpora", "[batch_stream]") {
  const TemporaryFolder folder;
  auto a = write_corpus(folder, "a", Corpus("a", 130), 1.7);
  const Corpus second("b", 90);
  const dragoman::CorpusConfig b = {
      .source = folder.write("b.s.gz", dragoman_test::compress(dragoman_test::join(second.source))),
      .target = folder.write("b.t", dragoman_test::join(second.target, "\r\n")),
      .weight = 0.6};
  check_cuts(small_batches({a, b}), 80);
}

TEST_CASE("a corpus may move and be compressed, and the number of threads may change",
          "[batch_stream]") {
  Saved saved;
  BatchStream straight = open_stream(saved.config);
  auto expected = take(straight, 25);
  expected.erase(expected.begin(), expected.begin() + 5);
  saved.config.train[0].source = saved.folder.write(
      "moved.gz", dragoman_test::compress(dragoman_test::join(saved.corpus.source)));
  saved.config.threads = 3;
  saved.config.prefetch_batches = 1;
  CHECK(are_equal(resume(saved.config, saved.position, 20), expected));
}

TEST_CASE("a corpus from standard input can be resumed when the same comes again",
          "[batch_stream]") {
  const auto as_tsv = [](const Corpus& corpus) {
    std::string text;
    for (std::size_t line = 0; line < corpus.source.size(); ++line) {
      text += corpus.source[line] + "\t" + corpus.target[line] + "\n";
    }
    return text;
  };
  const auto config =
      small_batches({{.source = "-", .target = "", .format = dragoman::CorpusFormat::tsv}});
  std::vector<dragoman::StreamedBatch> batches;
  {
    const dragoman_test::StandardInput input(as_tsv(Corpus("x", 300)));
    BatchStream stream = open_stream(config);
    batches = take(stream, 60);
  }
  {
    const dragoman_test::StandardInput input(as_tsv(Corpus("x", 300)));
    const std::vector rest(batches.begin() + 40, batches.end());
    CHECK(are_equal(resume(config, batches[39].position, 20), rest));
  }
  const dragoman_test::StandardInput input(as_tsv(Corpus("y", 300)));
  CHECK_THROWS_WITH(resume(config, batches[39].position, 20),
                    Contains("standard input: is 300 pairs with hash "));
}

TEST_CASE("a changed corpus is refused, with what it was and is", "[batch_stream]") {
  Saved saved;
  Corpus shorter = saved.corpus;
  shorter.source.pop_back();
  shorter.target.pop_back();
  auto config = small_batches({write_corpus(saved.folder, "x", shorter)});
  CHECK_THROWS_WITH(
      resume(config, saved.position, 1),
      Contains("x.source and ") && Contains("x.target: is 299 pairs with hash ") &&
          Contains(", but was 300 pairs with hash ") &&
          Contains("training cannot go on in the same order. Restore it, or start a new run."));
  Corpus edited = saved.corpus;
  edited.target[299].back() = edited.target[299].back() == 'a' ? 'b' : 'a';
  config = small_batches({write_corpus(saved.folder, "x", edited)});
  CHECK_THROWS_AS(resume(config, saved.position, 1), DataError);
  config.train.push_back(config.train.front());
  CHECK_THROWS_WITH(resume(config, saved.position, 1),
                    Contains("data.train: is 2 corpora, but was 1 corpora"));
}

TEST_CASE("settings that change the order are refused by name", "[batch_stream]") {
  const Saved saved;
  const auto refused = [&saved](auto change, const std::string& message) {
    DataConfig config = saved.config;
    change(config);
    CHECK_THROWS_WITH(resume(config, saved.position, 1), Contains(message));
  };
  refused([](auto& config) { config.seed = 9; }, "data.seed: is 9, but was 1 when");
  refused([](auto& config) { config.batch_tokens = 500; },
          "data.batch_tokens: is 500, but was 400 when");
  refused([](auto& config) { config.shuffle_buffer = 99; },
          "data.shuffle_buffer: is 99, but was 100 when");
  refused([](auto& config) { config.max_length = 99; }, "data.max_length: is 99, but was 250 when");
  refused([](auto& config) { config.min_length = 2; }, "data.min_length: is 2, but was 1 when");
  refused([](auto& config) { config.max_length_ratio = 4.5; },
          "data.max_length_ratio: is 4.5, but was 9");
  refused([](auto& config) { config.max_batch_sentences = 9; }, "data.max_batch_sentences: is 9");
  refused([](auto& config) { config.train[0].weight = 2; },
          "data.train[0].weight: is 2, but was 1 when");
  refused([](auto& config) { config.invalid_text = dragoman::InvalidText::replace; },
          "data.invalid_text: is replace, but was error when");
}

TEST_CASE("another tokeniser is refused", "[batch_stream]") {
  const Saved saved;
  dragoman::TokenizerConfig config;
  config.vocabulary_size = 90;
  const auto other = dragoman::Tokenizer::from_bytes(
      dragoman::train_tokenizer(config, dragoman_test::made_up_lines(300, 1)), "other");
  BatchStream stream(saved.config, {other, dragoman_test::shared_tokenizer()});
  CHECK_THROWS_WITH(stream.seek(saved.position), Contains("hash of the source tokeniser: is "));
}

TEST_CASE("a damaged position is refused", "[batch_stream]") {
  const Saved saved;
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[]"), saved.position.substr(0, 50),
        std::string(R"({"version":1,"epoch":"x"})")}) {
    CHECK_THROWS_WITH(resume(saved.config, text, 1),
                      Contains("position in the training data: is damaged"));
    CHECK_THROWS_AS(resume(saved.config, text, 1), DataError);
  }
}

TEST_CASE("a position can only be set before the first batch", "[batch_stream]") {
  const Saved saved;
  BatchStream stream = open_stream(saved.config);
  (void)stream.next();
  CHECK_THROWS_WITH(stream.seek(saved.position), Contains("cannot be set once batches were taken"));
}

namespace {

/// Pieces of several characters, unlike those of the other tests.
const dragoman::Tokenizer& merging_tokenizer() {
  static const dragoman::Tokenizer tokenizer = dragoman::Tokenizer::from_bytes(
      dragoman::train_tokenizer({.vocabulary_size = 90}, dragoman_test::made_up_lines(2000, 1)),
      "test tokeniser");
  return tokenizer;
}

BatchStream open_sampled(const DataConfig& config, double source, double target) {
  const dragoman::PairEncoder encoder(merging_tokenizer(), merging_tokenizer());
  return {config, encoder.sampling({.dropout = source}, {.dropout = target})};
}

}  // namespace

TEST_CASE("sampled segmentations are the same for any number of threads and after resuming",
          "[batch_stream]") {
  const TemporaryFolder folder;
  // One chunk, which is not kept from one epoch to the next; and several.
  for (const std::int64_t buffer : {100, 1000}) {
    auto config = small_batches({write_corpus(folder, "x", Corpus("x", 330))});
    config.shuffle_buffer = buffer;
    config.threads = 1;
    BatchStream one = open_sampled(config, 0.3, 0.1);
    const auto batches = take(one, 120);
    config.threads = 4;
    BatchStream four = open_sampled(config, 0.3, 0.1);
    CHECK(are_equal(take(four, 120), batches));
    for (const std::size_t cut : {1U, 17U, 40U, 77U}) {
      BatchStream resumed = open_sampled(config, 0.3, 0.1);
      resumed.seek(batches[cut - 1].position);
      CHECK(
          are_equal(take(resumed, 40), {batches.begin() + static_cast<std::ptrdiff_t>(cut),
                                        batches.begin() + static_cast<std::ptrdiff_t>(cut + 40)}));
    }
    BatchStream other = open_sampled(config, 0.3, 0.2);
    CHECK_THROWS_WITH(other.seek(batches[3].position),
                      Contains("tokenizer.target_dropout: is 0.2, but was 0.1 when"));
  }
}

TEST_CASE("a pair is cut in another way in each epoch, and only where that is asked for",
          "[batch_stream]") {
  const TemporaryFolder folder;
  auto config = small_batches({write_corpus(folder, "x", Corpus("x", 60))});
  BatchStream stream = open_sampled(config, 0.3, 0.0);
  std::vector<std::int64_t> sources, targets;
  for (int epoch = 0; epoch < 4; ++epoch) {
    sources.push_back(0);
    targets.push_back(0);
    for (const auto& streamed : dragoman_test::take_epoch(stream)) {
      sources.back() += streamed.batch.source_tokens;
      targets.back() += streamed.batch.target_tokens;
    }
  }
  CHECK(std::ranges::count(targets, targets.front()) == 4);
  CHECK(std::set(sources.begin(), sources.end()).size() >= 3);
  BatchStream plain = open_sampled(config, 0.0, 0.0);
  std::int64_t tokens = 0;
  for (const auto& streamed : dragoman_test::take_epoch(plain))
    tokens += streamed.batch.source_tokens;
  CHECK(std::ranges::min(sources) > tokens);  // fewer merges, more pieces
}
