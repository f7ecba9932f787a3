#include "dragoman/modules/weights.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "tests/modules/tiny_model.h"
#include "tests/support/catch.h"

TEST_CASE("weights move from one model to another", "[weights]") {
  at::manual_seed(1);
  const dragoman::Transformer from = dragoman_test::tiny_model(dragoman_test::tiny_config());
  dragoman::Transformer to(dragoman_test::tiny_config());
  CHECK(dragoman::load_weights(*to, dragoman::named_weights(*from)).empty());
  const auto expected = dragoman::named_weights(*from);
  const auto actual = dragoman::named_weights(*to);
  REQUIRE(actual.size() == expected.size());
  for (const auto& [name, value] : expected)
    CHECK(actual.at(name).equal(value));
}

TEST_CASE("named weights share memory with the module and carry no gradient", "[weights]") {
  dragoman::Transformer model(dragoman_test::tiny_config());
  const auto weights = dragoman::named_weights(*model);
  weights.at("output_head.bias").fill_(3.0);
  CHECK(model->head()->parameters().front().eq(3.0).all().item<bool>());
  CHECK_FALSE(weights.at("output_head.bias").requires_grad());
}

TEST_CASE("the weights' names are those of the file format", "[weights]") {
  dragoman::ModelConfig config = dragoman_test::tiny_config();
  config.encoder.layers = config.decoder.layers = 1;
  config.positions = dragoman::PositionKind::learned;
  config.tied_embeddings = dragoman::TiedEmbeddings::none;
  std::vector<std::string> names;
  for (const auto& [name, value] : dragoman::named_weights(*dragoman::Transformer(config)))
    if (name.ends_with(".weight")) names.push_back(name.substr(0, name.size() - 7));
  const std::vector<std::string> expected{"decoder.layers.0.cross_attention.key_value",
                                          "decoder.layers.0.cross_attention.output",
                                          "decoder.layers.0.cross_attention.query",
                                          "decoder.layers.0.cross_attention_norm",
                                          "decoder.layers.0.feed_forward.inner",
                                          "decoder.layers.0.feed_forward.outer",
                                          "decoder.layers.0.feed_forward_norm",
                                          "decoder.layers.0.self_attention.output",
                                          "decoder.layers.0.self_attention.query_key_value",
                                          "decoder.layers.0.self_attention_norm",
                                          "decoder.norm",
                                          "encoder.layers.0.feed_forward.inner",
                                          "encoder.layers.0.feed_forward.outer",
                                          "encoder.layers.0.feed_forward_norm",
                                          "encoder.layers.0.self_attention.output",
                                          "encoder.layers.0.self_attention.query_key_value",
                                          "encoder.layers.0.self_attention_norm",
                                          "encoder.norm",
                                          "output_head",
                                          "source_embedding.positions",
                                          "source_embedding",
                                          "target_embedding.positions",
                                          "target_embedding"};
  CHECK(names == expected);
}

TEST_CASE("every problem of foreign weights is named and nothing is copied", "[weights]") {
  dragoman::Transformer model = dragoman_test::tiny_model(dragoman_test::tiny_config());
  auto weights = dragoman::named_weights(*model);
  for (auto& [name, value] : weights)
    value = value + 1.0;
  const at::Tensor before = dragoman::named_weights(*model).at("encoder.norm.bias").clone();
  weights.erase("decoder.norm.weight");
  weights["encoder.norm.weight"] = at::zeros({8, 4});
  weights["output_head.bias"] = at::zeros({11}, at::kLong);
  weights["generator.bias"] = at::zeros({3});
  std::vector<std::string> problems = dragoman::load_weights(*model, weights);
  std::sort(problems.begin(), problems.end());
  CHECK(problems ==
        std::vector<std::string>{"decoder.norm.weight: missing",
                                 "encoder.norm.weight: has shape [8, 4], the model needs [12]",
                                 "generator.bias: unknown name",
                                 "output_head.bias: has type long int, the model needs "
                                 "floating-point numbers"});
  CHECK(dragoman::named_weights(*model).at("encoder.norm.bias").equal(before));
}

TEST_CASE("weights of another floating-point type are converted", "[weights]") {
  dragoman::Transformer model = dragoman_test::tiny_model(dragoman_test::tiny_config());
  auto weights = dragoman::named_weights(*model);
  for (auto& [name, value] : weights)
    value = value.to(at::kHalf);
  CHECK(dragoman::load_weights(*model, weights).empty());
  for (const auto& [name, value] : dragoman::named_weights(*model)) {
    CHECK(value.scalar_type() == at::kFloat);
    CHECK(value.equal(weights.at(name).to(at::kFloat)));
  }
}
