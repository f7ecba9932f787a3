// Batches dealt out to ranks: whatever their number, each pair of an epoch comes once.
#include <ATen/ops/equal.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/data/streams.h"
#include "tests/support/catch.h"

using dragoman::BatchStream;
using dragoman::DataConfig;
using dragoman::StreamedBatch;
using dragoman_test::Corpus;
using dragoman_test::open_stream;
using dragoman_test::small_batches;
using dragoman_test::TemporaryFolder;
using dragoman_test::write_corpus;

namespace {

/// The streams of all ranks.
struct World {
  World(const DataConfig& config, std::int64_t size, const std::string& position = {}) {
    for (std::int64_t rank = 0; rank < size; ++rank) {
      streams.push_back(
          std::make_unique<BatchStream>(config,
                                        dragoman::PairEncoder{dragoman_test::shared_tokenizer(),
                                                              dragoman_test::shared_tokenizer()},
                                        rank, size));
      if (!position.empty()) streams.back()->seek(position);
    }
  }
  /// One round: what next() gives to each rank.
  std::vector<StreamedBatch> next() {
    std::vector<StreamedBatch> round;
    for (auto& stream : streams)
      round.push_back(stream->next());
    for (const StreamedBatch& one : round) {
      CHECK(one.position == round.front().position);
      CHECK(one.ends_epoch == round.front().ends_epoch);
    }
    return round;
  }
  std::vector<std::unique_ptr<BatchStream>> streams;
};

/// Adds the hash of each pair that belongs to the pass number `epoch`.
void add_hashes(const std::vector<StreamedBatch>& round, std::int64_t epoch,
                std::vector<std::size_t>& hashes) {
  for (const StreamedBatch& one : round)
    if (one.epoch == epoch && one.batch.source.defined())
      for (const auto& [source, target] : dragoman_test::pairs_of({one}))
        hashes.push_back(std::hash<std::string>{}(source + '\t' + target));
}

std::vector<std::size_t> sorted_hashes(std::vector<std::size_t> hashes) {
  std::ranges::sort(hashes);
  return hashes;
}

std::vector<std::size_t> hashes_of(const Corpus& corpus) {
  std::vector<std::size_t> hashes;
  for (const auto& [source, target] : dragoman_test::pairs_of(corpus))
    hashes.push_back(std::hash<std::string>{}(source + '\t' + target));
  return sorted_hashes(hashes);
}

bool same_batch(const StreamedBatch& left, const StreamedBatch& right) {
  return at::equal(left.batch.source, right.batch.source) &&
         at::equal(left.batch.target_output, right.batch.target_output) &&
         left.epoch == right.epoch;
}

}  // namespace

TEST_CASE("an epoch holds each pair once for any number of ranks", "[batch_stream]") {
  const TemporaryFolder folder;
  const Corpus corpus("x", 530);
  const auto config = small_batches({write_corpus(folder, "x", corpus)});
  for (std::int64_t size = 1; size <= 4; ++size) {
    CAPTURE(size);
    World world(config, size);
    std::vector<std::size_t> first, second;
    for (int ended = 0; ended < 2;) {
      const auto round = world.next();
      add_hashes(round, 0, first);
      add_hashes(round, 1, second);
      ended += round.front().ends_epoch ? 1 : 0;
    }
    CHECK(sorted_hashes(first) == hashes_of(corpus));
    CHECK(sorted_hashes(second) == hashes_of(corpus));
  }
}

TEST_CASE("an epoch resumed with another number of ranks holds each pair once", "[batch_stream]") {
  const TemporaryFolder folder;
  const Corpus corpus("x", 530);
  const auto config = small_batches({write_corpus(folder, "x", corpus)});
  for (std::int64_t before = 1; before <= 4; ++before) {
    for (std::int64_t after = 1; after <= 4; ++after) {
      CAPTURE(before, after);
      std::vector<std::size_t> hashes;
      std::string position;
      {
        World world(config, before);
        for (int rounds = 0; rounds < 7; ++rounds) {
          const auto round = world.next();
          REQUIRE_FALSE(round.front().ends_epoch);
          add_hashes(round, 0, hashes);
          position = round.front().position;
        }
      }
      World world(config, after, position);
      bool is_over = false;
      while (!is_over) {
        const auto round = world.next();
        add_hashes(round, 0, hashes);
        is_over = round.front().ends_epoch;
      }
      CHECK(sorted_hashes(hashes) == hashes_of(corpus));
    }
  }
}

TEST_CASE("the order of the batches does not depend on the number of ranks", "[batch_stream]") {
  const TemporaryFolder folder;
  const auto config = small_batches({write_corpus(folder, "x", Corpus("x", 330))});
  BatchStream alone = open_stream(config);
  const auto expected = dragoman_test::take(alone, 120);
  for (std::int64_t size = 2; size <= 4; ++size) {
    World world(config, size);
    for (std::size_t begin = 0; begin < expected.size();) {
      bool ends_epoch = false;
      for (const StreamedBatch& one : world.next()) {
        ends_epoch = ends_epoch || expected[begin].ends_epoch;
        REQUIRE(same_batch(one, expected[begin]));
        CHECK((begin % static_cast<std::size_t>(size) != static_cast<std::size_t>(size) - 1 ||
               (one.position == expected[begin].position && one.ends_epoch == ends_epoch)));
        ++begin;
      }
    }
  }
}

TEST_CASE("a round is cut where training ends", "[batch_stream]") {
  const TemporaryFolder folder;
  const Corpus corpus("x", 230);
  const auto config = small_batches({write_corpus(folder, "x", corpus)});
  for (std::int64_t size = 1; size <= 4; ++size) {
    CAPTURE(size);
    World world(config, size);
    for (auto& stream : world.streams)
      stream->cut_round_after(2);
    std::vector<StreamedBatch> round;
    std::int64_t batches = 0;
    for (int ended = 0; ended < 2;) {
      round = world.next();
      ended += round.front().ends_epoch ? 1 : 0;
      for (const StreamedBatch& one : round)
        batches += one.batch.source.defined() ? 1 : 0;
    }
    BatchStream alone = open_stream(config);
    const auto two_epochs = dragoman_test::take_epoch(alone).size();
    CHECK(batches ==
          static_cast<std::int64_t>(two_epochs + dragoman_test::take_epoch(alone).size()));
    CHECK(same_batch(World(config, size, round.front().position).next().front(), alone.next()));
  }
}

TEST_CASE("chunks without a pair at the end of an epoch belong to it", "[batch_stream]") {
  const TemporaryFolder folder;
  Corpus corpus("x", 300);
  for (std::size_t line = 200; line < 300; ++line)
    corpus.target[line].clear();
  auto config = small_batches({write_corpus(folder, "x", corpus)});
  for (std::int64_t size = 1; size <= 3; ++size) {
    CAPTURE(size);
    World world(config, size);
    std::vector<std::size_t> hashes;
    bool is_over = false;
    while (!is_over) {
      const auto round = world.next();
      add_hashes(round, 0, hashes);
      is_over = round.front().ends_epoch;
    }
    CHECK(hashes.size() == 200);
  }
}

TEST_CASE("positions of versions that knew one rank only are taken", "[batch_stream]") {
  const TemporaryFolder folder;
  const auto config = small_batches({write_corpus(folder, "x", Corpus("x", 130))});
  BatchStream alone = open_stream(config);
  auto position = nlohmann::json::parse(dragoman_test::take(alone, 3).back().position);
  position["settings"]["number of ranks"] = "1";
  BatchStream resumed = open_stream(config);
  resumed.seek(position.dump());
  CHECK(same_batch(resumed.next(), alone.next()));
}
