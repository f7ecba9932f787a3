#include <string>

#include "dragoman/data/error.h"
#include "tests/data/streams.h"
#include "tests/support/catch.h"

using Catch::Contains;
using dragoman::BatchStream;
using dragoman::DataError;
using dragoman::UsageError;
using dragoman_test::Corpus;
using dragoman_test::open_stream;
using dragoman_test::small_batches;
using dragoman_test::take;
using dragoman_test::take_epoch;
using dragoman_test::TemporaryFolder;
using dragoman_test::write_corpus;

TEST_CASE("a stream needs a corpus, and one with weight", "[batch_stream]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(open_stream(small_batches({})), Contains("data.train: names no corpus."));
  const auto corpus = write_corpus(folder, "x", Corpus("x", 10), 0.0);
  CHECK_THROWS_WITH(open_stream(small_batches({corpus})),
                    Contains("data.train: every corpus has weight 0."));
  CHECK_THROWS_AS(open_stream(small_batches({})), UsageError);
}

TEST_CASE("missing, empty and misaligned corpora are found when the stream is opened",
          "[batch_stream]") {
  const TemporaryFolder folder;
  const auto none = folder.path("none");
  const auto empty = folder.write("empty", "");
  const auto two = folder.write("two", "a\nb\n");
  const auto three = folder.write("three", "a\nb\nc");
  CHECK_THROWS_WITH(open_stream(small_batches({{.source = two, .target = none}})),
                    none + ": no such file. Check the path.");
  CHECK_THROWS_WITH(open_stream(small_batches({{.source = empty, .target = empty}})),
                    empty + " and " + empty + ": has no lines. Give a corpus with text.");
  CHECK_THROWS_WITH(open_stream(small_batches({{.source = two, .target = three}})),
                    Contains(two + ": has 2 lines, but " + three + " has 3."));
  CHECK_THROWS_AS(open_stream(small_batches({{.source = two, .target = three}})), DataError);
}

TEST_CASE("bad text stops the stream with file and line, after the chunks before it",
          "[batch_stream]") {
  const TemporaryFolder folder;
  Corpus corpus("x", 300);
  corpus.target[250] += "\xFF";
  auto config = small_batches({write_corpus(folder, "x", corpus)});
  for (const std::int64_t threads : {1, 4}) {
    config.threads = threads;
    BatchStream stream = open_stream(config);
    std::size_t pairs = 0;
    const auto drain = [&] {
      for (;;)
        pairs += static_cast<std::size_t>(stream.next().batch.sentences());
    };
    CHECK_THROWS_WITH(drain(), Contains("x.target:251: byte 0xFF is not UTF-8"));
    CHECK(pairs == 200);
    CHECK_THROWS_AS(stream.next(), DataError);
  }
  config.invalid_text = dragoman::InvalidText::replace;
  BatchStream repaired = open_stream(config);
  (void)take_epoch(repaired);
  CHECK(repaired.counts().invalid_text == 1);
}

TEST_CASE("filters that leave nothing are an error with the counts", "[batch_stream]") {
  const TemporaryFolder folder;
  auto config = small_batches({write_corpus(folder, "x", Corpus("x", 250))});
  config.min_length = 200;
  config.train.push_back(write_corpus(folder, "y", Corpus("y", 10)));
  config.train.push_back(write_corpus(folder, "unused", Corpus("z", 10), 0.0));
  BatchStream stream = open_stream(config);
  CHECK_THROWS_WITH(stream.next(),
                    folder.path("x.source") + " and " + folder.path("x.target") + ", " +
                        folder.path("y.source") + " and " + folder.path("y.target") +
                        ": none of 260 pairs passes the filters (0 empty, 260 shorter than "
                        "data.min_length (200), 0 longer than data.max_length (250), 0 over "
                        "data.max_length_ratio (9)). Check the files, or relax these limits.");
}

TEST_CASE("a rank that its world does not have is refused", "[batch_stream]") {
  const TemporaryFolder folder;
  const auto config = small_batches({write_corpus(folder, "x", Corpus("x", 30))});
  CHECK_THROWS_WITH(open_stream(config, 2, 2),
                    "rank: is 2, must be 0 to 1, since world_size is 2. Give each process a rank "
                    "of its own.");
  CHECK_THROWS_WITH(open_stream(config, -1, 2), Contains("rank: is -1, must be 0 to 1"));
  CHECK_THROWS_WITH(open_stream(config, 0, 0), "world_size: is 0, must be 1 or more.");
  CHECK_THROWS_AS(open_stream(config, 1, 1), UsageError);
  CHECK(open_stream(config, 1, 2).next().batch.sentences() > 0);
}

TEST_CASE("an epoch with fewer batches than ranks is an error", "[batch_stream]") {
  const TemporaryFolder folder;
  for (std::int64_t rank = 0; rank < 4; ++rank) {
    BatchStream stream =
        open_stream(small_batches({write_corpus(folder, "x", Corpus("x", 3))}), rank, 4);
    CHECK_THROWS_WITH(stream.next(),
                      Contains("an epoch has fewer batches than there are ranks (4). Use fewer"));
  }
}

TEST_CASE("a line of a million characters is dropped and counted", "[batch_stream]") {
  const TemporaryFolder folder;
  const std::string line = std::string(1000000, 'a') + "\n";
  auto config = small_batches({{.source = folder.write("s", "a\n" + line + "b"),
                                .target = folder.write("t", "c\n" + line + "d\n")}});
  BatchStream stream = open_stream(config);
  CHECK(dragoman_test::pairs_of(take_epoch(stream)).size() == 2);
  CHECK(stream.counts().too_long == 1);
}

TEST_CASE("lines far over the token budget are trained on when max_length allows them",
          "[batch_stream]") {
  const TemporaryFolder folder;
  auto config = small_batches({{.source = folder.write("s", "a\n" + std::string(50000, 'b')),
                                .target = folder.write("t", "c\n" + std::string(40000, 'd'))}});
  config.max_length = 60000;
  BatchStream stream = open_stream(config);
  std::int64_t longest = 0;
  for (const auto& streamed : take_epoch(stream)) {
    longest = std::max(longest, streamed.batch.source.size(1));
  }
  CHECK(longest == 50002);
}

TEST_CASE("truncated gzip is found when the stream is opened", "[batch_stream]") {
  const TemporaryFolder folder;
  const Corpus corpus("x", 500);
  const auto packed = dragoman_test::compress(dragoman_test::join(corpus.source));
  const auto source = folder.write("s.gz", packed.substr(0, packed.size() / 2));
  const auto target = folder.write("t", dragoman_test::join(corpus.target));
  CHECK_THROWS_WITH(open_stream(small_batches({{.source = source, .target = target}})),
                    Contains("s.gz: the gzip data end too early"));
}
