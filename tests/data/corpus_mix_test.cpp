#include "dragoman/data/corpus_mix.h"

#include <map>
#include <string>

#include "dragoman/data/error.h"
#include "dragoman/data/parallel_reader.h"
#include "tests/data/streams.h"
#include "tests/support/catch.h"

namespace {

using Catch::Contains;
using dragoman::passes_per_epoch;
using dragoman_test::Corpus;
using dragoman_test::TemporaryFolder;
using dragoman_test::write_corpus;

constexpr double kEven = 1e6;  ///< a temperature at which sizes no longer count

/// Pairs of one epoch by the first word of the source, which names the corpus.
std::map<std::string, std::int64_t> counted(dragoman::BatchStream& stream) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& [source, target] : dragoman_test::pairs_of(dragoman_test::take_epoch(stream))) {
    CHECK(source.substr(0, source.find(' ', 2)) == target.substr(0, target.find(' ', 2)));
    ++counts[source.substr(0, source.find(' '))];
  }
  return counts;
}

}  // namespace

TEST_CASE("with temperature 1 the passes are the weights", "[corpus_mix]") {
  const std::vector<std::int64_t> pairs{1000, 10, 7};
  const std::vector<double> weights{1.0, 2.5, 0.0};
  CHECK(passes_per_epoch(pairs, weights, 1.0) == weights);
}

TEST_CASE("a temperature draws corpora by a power of their size", "[corpus_mix]") {
  const std::vector<std::int64_t> pairs{1000, 100, 10};
  const std::vector<double> weights{1.0, 1.0, 1.0};
  // By hand: 1000 ^ 0.2 = 3.98107, 100 ^ 0.2 = 2.51189, 10 ^ 0.2 = 1.58489, of 1110 pairs in all.
  const auto passes = passes_per_epoch(pairs, weights, 5.0);
  CHECK(passes[0] * 1000 == Approx(547.06).epsilon(1e-4));
  CHECK(passes[1] * 100 == Approx(345.17).epsilon(1e-4));
  CHECK(passes[2] * 10 == Approx(217.79).epsilon(1e-4));
  // Weights are factors of that, and do not lengthen the epoch but by what they add to it.
  const auto weighted = passes_per_epoch(pairs, std::vector{1.0, 0.0, 3.0}, 5.0);
  CHECK(weighted[1] == 0.0);
  CHECK(weighted[2] * 10 / (weighted[0] * 1000) == Approx(3.0 * 1.58489 / 3.98107).epsilon(1e-4));
  CHECK(weighted[0] * 1000 + weighted[2] * 10 == Approx(1030.0));
  const auto even = passes_per_epoch(pairs, weights, kEven);
  CHECK(even[0] * 1000 == Approx(370.0).epsilon(1e-4));
  CHECK(even[2] * 10 == Approx(370.0).epsilon(1e-4));
  CHECK(passes_per_epoch(pairs, std::vector{0.0, 0.0, 0.0}, 5.0) == std::vector{0.0, 0.0, 0.0});
}

TEST_CASE("sizes whose power would overflow do not", "[corpus_mix]") {
  const std::vector<std::int64_t> pairs{9000000000000, 3};
  const auto passes = passes_per_epoch(pairs, std::vector{1.0, 1.0}, 0.01);
  CHECK(passes[0] == Approx(1.0));
  CHECK(passes[1] == Approx(0.0).margin(1e-12));
}

TEST_CASE("an epoch holds the shares that the temperature gives", "[corpus_mix][batch_stream]") {
  const TemporaryFolder folder;
  auto config = dragoman_test::small_batches({write_corpus(folder, "large", Corpus("large", 800)),
                                              write_corpus(folder, "small", Corpus("small", 50))});
  config.shuffle_buffer = 200;
  config.temperature = 2.0;
  auto stream = dragoman_test::open_stream(config);
  // sqrt(800) = 28.284, sqrt(50) = 7.071: four fifths and one fifth of 850 pairs.
  REQUIRE(stream.shares().size() == 2);
  CHECK(stream.shares()[0].pairs_per_epoch == 680);
  CHECK(stream.shares()[1].pairs_per_epoch == 170);
  CHECK(stream.shares()[1].passes() == Approx(3.4));
  CHECK(stream.shares()[0].passes() == Approx(0.85));
  for (int epoch = 0; epoch < 3; ++epoch) {
    const auto counts = counted(stream);
    CHECK(counts.at("large") == 680);
    CHECK(counts.at("small") == 170);
  }
  const auto position = stream.next().position;
  config.temperature = 3.0;
  auto other = dragoman_test::open_stream(config);
  CHECK_THROWS_WITH(other.seek(position), Contains("data.temperature: is 3, but was 2 when"));
  config.temperature = 1.0;
  auto without = dragoman_test::open_stream(config);
  CHECK_THROWS_WITH(without.seek(position),
                    Contains("data.temperature: is not set, but was 2 when"));
}

TEST_CASE("prefixes stand before the lines of their corpus", "[corpus_mix][batch_stream]") {
  const TemporaryFolder folder;
  auto first = write_corpus(folder, "one", Corpus("one", 40));
  first.source_prefix = "de";
  auto second = write_corpus(folder, "two", Corpus("two", 40));
  second.target_prefix = "fr ";
  const auto config = dragoman_test::small_batches({first, second});
  auto stream = dragoman_test::open_stream(config);
  std::size_t ones = 0;
  for (const auto& [source, target] : dragoman_test::pairs_of(dragoman_test::take_epoch(stream))) {
    const bool is_one = target.starts_with("one");
    ones += is_one;
    CHECK_THAT(source, Catch::StartsWith(is_one ? "de one " : "two "));
    CHECK_THAT(target, Catch::StartsWith(is_one ? "one " : "fr two "));
  }
  CHECK(ones == 40);
  const auto position = stream.next().position;
  auto changed = config;
  changed.train[0].source_prefix = "en";
  auto other = dragoman_test::open_stream(changed);
  CHECK_THROWS_WITH(other.seek(position),
                    Contains("data.train[0].source_prefix: is en, but was de when"));
}

TEST_CASE("an empty line stays empty, so that the filters see it", "[corpus_mix]") {
  const TemporaryFolder folder;
  dragoman::ParallelReader reader({.source = folder.write("s", "\nhello\n"),
                                   .target = folder.write("t", "x\n\n"),
                                   .source_prefix = "<2de>",
                                   .target_prefix = "<go>"},
                                  dragoman::InvalidText::error);
  std::string source;
  std::string target;
  REQUIRE(reader.next(source, target));
  CHECK(source.empty());
  CHECK(target == "<go> x");
  REQUIRE(reader.next(source, target));
  CHECK(source == "<2de> hello");
  CHECK(target.empty());
}

TEST_CASE("tags are the words of prefixes in angle brackets", "[corpus_mix]") {
  CHECK(dragoman::prefix_tags(
            {{.source_prefix = "<2de> <news>"},
             {.source_prefix = "translate to <2fr>: <>", .target_prefix = "<2de>"}}) ==
        std::vector<std::string>{"<2de>", "<news>"});
}
