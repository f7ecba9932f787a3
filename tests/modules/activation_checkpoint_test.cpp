#include "dragoman/modules/activation_checkpoint.h"

#include <ATen/ATen.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/modules/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"

using dragoman_test::difference;
using dragoman_test::tiny_batch;
using dragoman_test::tiny_config;
using dragoman_test::tiny_model;

namespace {

/// What one update needs of a model, and what it leaves behind.
struct OneUpdate {
  at::Tensor hidden;
  std::size_t graph = 0;  ///< operations that wait for their gradient
  std::map<std::string, at::Tensor> gradients;
  at::Tensor drawn;  ///< the random numbers after it
};

std::size_t graph_size(const at::Tensor& output) {
  std::set<const torch::autograd::Node*> seen;
  std::vector<const torch::autograd::Node*> open{output.grad_fn().get()};
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    if (node == nullptr || !seen.insert(node).second) continue;
    for (const auto& edge : node->next_edges())
      open.push_back(edge.function.get());
  }
  return seen.size();
}

OneUpdate run_update(dragoman::Transformer model, bool checkpointing) {
  model->set_checkpointing(checkpointing);
  for (auto& parameter : model->parameters())
    parameter.mutable_grad().reset();
  at::manual_seed(3);
  const auto batch = tiny_batch();
  const at::Tensor memory = model->encode(batch.source, batch.source_mask);
  auto state = model->start(memory, batch.source_mask, false, {batch.source, 0});
  OneUpdate update;
  update.hidden = model->decode(batch.input, state);
  at::Tensor loss = (update.hidden * update.hidden).sum();
  if (state.layers[0].cross_scores.defined()) loss = loss + state.layers[0].cross_scores.sum();
  update.graph = graph_size(loss);
  loss.backward();
  for (const auto& parameter : model->named_parameters())
    if (parameter.value().grad().defined())
      update.gradients.emplace(parameter.key(), parameter.value().grad().clone());
  update.drawn = at::rand({4});
  return update;
}

}  // namespace

TEST_CASE("layers that are computed twice have the gradients of those computed once",
          "[activation_checkpoint]") {
  auto config = tiny_config();
  config.dropout = 0.3;
  config.norm = GENERATE(dragoman::NormPosition::pre, dragoman::NormPosition::post);
  config.layer_drop = GENERATE(0.0, 0.3);
  config.positions = GENERATE(dragoman::PositionKind::sinusoidal, dragoman::PositionKind::relative);
  const bool keeps_scores = GENERATE(false, true);
  if (keeps_scores) {
    config.copy_head.enabled = true;
    config.copy_head.pointer = dragoman::PointerKind::attention_head;
    config.copy_head.layer = 1;
  }
  dragoman::Transformer model = tiny_model(config);
  model->train();
  const OneUpdate once = run_update(model, false);
  const OneUpdate twice = run_update(model, true);
  CHECK(difference(twice.hidden, once.hidden, 0.0) == "");
  CHECK(at::equal(twice.drawn, once.drawn));
  REQUIRE(once.gradients.size() > 20);
  REQUIRE(twice.gradients.size() == once.gradients.size());
  for (const auto& [name, gradient] : once.gradients) {
    CAPTURE(name);
    CHECK(difference(twice.gradients.at(name), gradient, 1e-6) == "");
  }
  CHECK(twice.graph < once.graph);
  if (!keeps_scores && config.layer_drop == 0.0) CHECK(2 * twice.graph < once.graph);
}

TEST_CASE("nothing is computed twice where no gradient is wanted", "[activation_checkpoint]") {
  int runs = 0;
  const auto layer = [&runs](const std::vector<at::Tensor>& inputs) {
    ++runs;
    return inputs[0] * inputs[1];
  };
  const at::Tensor constant = at::full({2}, 3.0);
  CHECK_FALSE(dragoman::checkpointed({constant, constant}, layer).requires_grad());
  CHECK(runs == 1);
  const at::Tensor x = at::tensor({1.0, 2.0}).requires_grad_();
  at::Tensor product = dragoman::checkpointed({x, constant}, layer);
  CHECK(runs == 2);
  product.sum().backward();
  CHECK(runs == 3);
  CHECK(difference(x.grad(), constant, 0.0) == "");
  CHECK_FALSE(constant.grad().defined());
  const at::NoGradGuard no_grad;
  static_cast<void>(dragoman::checkpointed({x, constant}, layer));
  CHECK(runs == 4);
}

TEST_CASE("an error in the second run reaches who wanted the gradients",
          "[activation_checkpoint]") {
  int runs = 0;
  const at::Tensor x = at::tensor({1.0}).requires_grad_();
  at::Tensor output = dragoman::checkpointed({x}, [&runs](const std::vector<at::Tensor>& inputs) {
    if (++runs == 2) throw std::runtime_error("no memory is left");
    return inputs[0] * 2.0;
  });
  CHECK_THROWS_WITH(output.sum().backward(), Catch::Matchers::Contains("no memory is left"));
}
