#include "dragoman/data/batch.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

#include <vector>

#include "dragoman/data/packed_pairs.h"
#include "dragoman/data/random.h"
#include "tests/support/catch.h"

using dragoman::Batch;
using dragoman::collate;
using dragoman::Example;

namespace {

at::Tensor rows(const std::vector<std::int64_t>& values, std::int64_t count) {
  return at::tensor(values, at::kLong).view({count, -1});  // [count, values / count]
}

}  // namespace

TEST_CASE("a batch is padded on the right, between begin and end ids", "[batch]") {
  const std::vector<Example> examples = {{{10, 11, 12}, {20}}, {{13}, {21, 22}}, {{}, {}}};
  const Batch batch = collate(
      examples,
      {.source_pad = 7, .source_end = 3, .target_pad = 8, .target_begin = 2, .target_end = 4});
  CHECK(at::equal(batch.source, rows({10, 11, 12, 3, 13, 3, 7, 7, 3, 7, 7, 7}, 3)));
  CHECK(at::equal(batch.target_input, rows({2, 20, 8, 2, 21, 22, 2, 8, 8}, 3)));
  CHECK(at::equal(batch.target_output, rows({20, 4, 8, 21, 22, 4, 4, 8, 8}, 3)));
  CHECK(at::equal(batch.source_lengths, at::tensor({4, 2, 1}, at::kLong)));
  CHECK(at::equal(batch.target_lengths, at::tensor({2, 3, 1}, at::kLong)));
  CHECK(batch.source_tokens == 7);
  CHECK(batch.target_tokens == 6);
  CHECK(batch.sentences() == 3);
}

TEST_CASE("sources end without </s> where the model wants that, but for empty ones", "[batch]") {
  const std::vector<Example> examples = {{{10, 11, 12}, {20}, {5, 6, 7}}, {{13}, {21}, {8}}, {}};
  const Batch batch = collate(
      examples,
      {.source_pad = 9, .source_end = 3, .ends_source = false, .target_end = 4, .copies = true});
  CHECK(at::equal(batch.source, rows({10, 11, 12, 13, 9, 9, 3, 9, 9}, 3)));
  CHECK(at::equal(batch.copy_ids, rows({5, 6, 7, 8, -2, -2, 4, -2, -2}, 3)));
  CHECK(at::equal(batch.source_lengths, at::tensor({3, 1, 1}, at::kLong)));
  CHECK(batch.source_tokens == 5);
}

TEST_CASE("a batch moves to a device whole", "[batch]") {
  const std::vector<Example> examples = {{{10, 11}, {20}}};
  const Batch batch = collate(examples, {});
  const Batch moved = batch.to(at::Device("cpu"));
  CHECK(at::equal(batch.source, moved.source));
  CHECK(at::equal(batch.target_output, moved.target_output));
  CHECK(at::equal(batch.target_lengths, moved.target_lengths));
  CHECK(moved.source_tokens == 3);
  CHECK(moved.target_tokens == 2);
}

TEST_CASE("packed pairs come out as they went in", "[packed_pairs]") {
  dragoman::Random random(1);
  const auto sentence = [&random] {
    std::vector<std::int32_t> ids(random.below(20));
    for (auto& id : ids)
      id = static_cast<std::int32_t>(random.next() >> (33 + random.below(31)));
    return ids;
  };
  std::vector<Example> examples = {{{0, 127, 128, 16383, 16384, 2147483647}, {}}};
  for (int pair = 0; pair < 500; ++pair)
    examples.push_back({sentence(), sentence()});
  dragoman::PairBlocks blocks;
  std::size_t next = 0;
  for (const std::size_t size : {0UL, 100UL, 0UL, 1UL, 400UL, 0UL}) {
    auto& block = blocks.block(blocks.grow(1));
    for (std::size_t pair = 0; pair < size; ++pair, ++next) {
      block.append(examples[next]);
    }
    block.shrink();
  }
  blocks.finish();
  REQUIRE(blocks.size() == examples.size());
  const auto lengths = blocks.lengths();
  for (std::size_t pair = 0; pair < examples.size(); ++pair) {
    CHECK(blocks.unpack(pair).source == examples[pair].source);
    CHECK(blocks.unpack(pair).target == examples[pair].target);
    CHECK(lengths[pair].source == std::ssize(examples[pair].source));
    CHECK(lengths[pair].target == std::ssize(examples[pair].target));
  }
}

TEST_CASE("copy ids are padded beside the source, and the decoder reads extra words as <unk>",
          "[batch]") {
  const std::vector<Example> examples = {{{5, 6}, {7, 51}, {5, 51}}, {{5}, {}, {9}}};
  const Batch batch =
      collate(examples, {.target_unknown = 1, .target_vocabulary = 50, .copies = true});
  CHECK(batch.copy_ids.equal(at::tensor({5, 51, 3, 9, 3, -2}, at::kLong).view({2, 3})));
  CHECK(batch.target_input[0].equal(at::tensor({2, 7, 1}, at::kLong)));
  CHECK(batch.target_output[0].equal(at::tensor({7, 51, 3}, at::kLong)));
  dragoman::PairBlocks blocks;
  auto& block = blocks.block(blocks.grow(1));
  for (const Example& example : examples)
    block.append(example);
  block.append({{8, 9}, {4}, {8, 9}});
  blocks.finish();
  CHECK(blocks.unpack(0).copy_ids == examples[0].copy_ids);
  CHECK(blocks.unpack(1).copy_ids == examples[1].copy_ids);
  CHECK(blocks.unpack(2).copy_ids == std::vector<std::int32_t>{8, 9});
}
