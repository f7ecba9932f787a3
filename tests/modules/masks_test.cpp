#include "dragoman/modules/masks.h"

#include <ATen/ATen.h>

#include "tests/support/catch.h"

TEST_CASE("a padding mask is true at the first positions of each sentence", "[masks]") {
  const at::Tensor mask = dragoman::padding_mask(at::tensor({2, 3, 0}, at::kLong), 3);
  const at::Tensor expected =
      at::tensor({1, 1, 0, 1, 1, 1, 0, 0, 0}, at::kLong).view({3, 3}).to(at::kBool);
  CHECK(mask.equal(expected));
}

TEST_CASE("a mask without padding is dropped", "[masks]") {
  CHECK_FALSE(dragoman::drop_full_mask({}).defined());
  CHECK_FALSE(dragoman::drop_full_mask(at::ones({2, 3}, at::kBool)).defined());
  const at::Tensor mask = dragoman::padding_mask(at::tensor({2, 3}, at::kLong), 3);
  CHECK(dragoman::drop_full_mask(mask).equal(mask));
}

TEST_CASE("a causal mask permits the past and the query's own position", "[masks]") {
  const auto options = at::TensorOptions().dtype(at::kFloat);
  const auto permitted = [&](std::int64_t queries, std::int64_t past) {
    return dragoman::causal_attention_mask(queries, past, options).added.eq(0);
  };
  CHECK(permitted(3, 0).equal(at::ones({3, 3}, at::kBool).tril()));
  CHECK(permitted(2, 3).equal(at::ones({2, 5}, at::kBool).tril(3)));
  CHECK(dragoman::causal_attention_mask(3, 0, options).causal);
  CHECK_FALSE(dragoman::causal_attention_mask(2, 3, options).causal);
  CHECK_FALSE(dragoman::causal_attention_mask(1, 3, options).added.defined());
}

TEST_CASE("masked scores are finite in every type", "[masks]") {
  const at::Tensor mask = dragoman::padding_mask(at::tensor({1}, at::kLong), 2);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const at::Tensor added = dragoman::padding_attention_mask(mask, type).added;
    CHECK(added.scalar_type() == type);
    CHECK(added.isfinite().all().item<bool>());
    CHECK(added.to(at::kFloat).min().item<double>() < -60000.0);
  }
}
