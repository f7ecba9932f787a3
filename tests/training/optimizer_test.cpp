#include "dragoman/training/optimizer.h"

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <string>

#include "dragoman/data/archive.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

namespace {

using dragoman::Optimizer;
using dragoman::OptimizerKind;
using Tensors = std::map<std::string, at::Tensor>;

const std::vector<std::string> kNames = {"matrix", "embedding", "bias", "gain"};

struct Parameters : torch::nn::Module {
  explicit Parameters(const Tensors& values) {
    for (const std::string& name : kNames)
      register_parameter(name, values.at("start." + name).clone());
  }
};

dragoman::TrainingConfig config(OptimizerKind kind) {
  dragoman::TrainingConfig result;
  result.optimizer = kind;
  result.weight_decay = 0.1;
  return result;
}

Tensors random_start() {
  at::manual_seed(5);
  Tensors values;
  values["start.matrix"] = at::randn({3, 4});
  values["start.embedding"] = at::randn({6, 4});
  values["start.bias"] = at::randn({4});
  values["start.gain"] = at::randn({1});
  return values;
}

void set_gradients(Parameters& module, std::uint64_t seed) {
  at::manual_seed(seed);
  for (auto& item : module.named_parameters())
    item.value().mutable_grad() = at::randn_like(item.value()).detach();
}

double largest_difference(const Parameters& left, const Parameters& right) {
  double largest = 0.0;
  const auto others = right.named_parameters();
  for (const auto& item : left.named_parameters())
    largest = std::max(
        largest, (item.value() - *others.find(item.key())).abs().max().template item<double>());
  return largest;
}

}  // namespace

TEST_CASE("twenty steps of each optimiser equal torch.optim in double precision", "[optimizer]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python with PyTorch (set DRAGOMAN_PYTHON)");
    return;
  }
  const dragoman_test::TemporaryFolder folder;
  REQUIRE(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/training/optimizer_reference.py",
                                    folder.path("reference.pt")) == 0);
  const Tensors reference = dragoman::load_archive(folder.path("reference.pt")).tensors;
  for (const auto& [label, kind] : dragoman::names(OptimizerKind{})) {
    Parameters module(reference);
    Optimizer optimizer(config(kind), module);
    for (std::int64_t step = 0; step < 20; ++step) {
      for (auto& item : module.named_parameters())
        item.value().mutable_grad() = reference.at("gradient." + item.key())[step].clone();
      optimizer.step(3e-3, {}, {});
    }
    for (const auto& item : module.named_parameters()) {
      CAPTURE(label, item.key());
      const at::Tensor expected = reference.at(std::string(label) + "." + item.key());
      CHECK(at::allclose(item.value().to(at::kDouble), expected, /*rtol=*/1e-6, /*atol=*/1e-6));
      CHECK((item.value() - reference.at("start." + item.key())).abs().max().item<double>() > 1e-3);
    }
  }
}

TEST_CASE("grad_scale divides the gradients", "[optimizer]") {
  for (const auto& [label, kind] : dragoman::names(OptimizerKind{})) {
    CAPTURE(label);
    Parameters scaled(random_start());
    Parameters plain(random_start());
    Optimizer scaled_optimizer(config(kind), scaled);
    Optimizer plain_optimizer(config(kind), plain);
    for (std::uint64_t step = 0; step < 3; ++step) {
      set_gradients(scaled, step);
      set_gradients(plain, step);
      for (auto& item : scaled.named_parameters())
        item.value().mutable_grad().mul_(8.0);
      scaled_optimizer.step(1e-2, at::scalar_tensor(8.0), {});
      plain_optimizer.step(1e-2, {}, {});
    }
    CHECK(largest_difference(scaled, plain) == 0.0);
  }
}

TEST_CASE("a step that is not finite changes neither parameters nor moments", "[optimizer]") {
  for (const auto& [label, kind] : dragoman::names(OptimizerKind{})) {
    CAPTURE(label);
    Parameters module(random_start());
    Optimizer optimizer(config(kind), module);
    set_gradients(module, 1);
    optimizer.step(1e-2, {}, at::scalar_tensor(0.0));
    Tensors before;
    for (const auto& [name, tensor] : optimizer.state())
      before[name] = tensor.clone();
    const at::Tensor weights = module.parameters().front().detach().clone();
    for (auto& item : module.named_parameters())
      item.value().mutable_grad().fill_(NAN);
    optimizer.step(1e-2, at::scalar_tensor(NAN), at::scalar_tensor(1.0));
    CHECK(at::equal(module.parameters().front(), weights));
    for (const auto& [name, tensor] : optimizer.state()) {
      CAPTURE(name);
      CHECK(at::equal(tensor, before.at(name)));
    }
  }
}

TEST_CASE("a restored optimiser goes on with the same bits", "[optimizer]") {
  for (const auto& [label, kind] : dragoman::names(OptimizerKind{})) {
    CAPTURE(label);
    Parameters straight(random_start());
    Optimizer straight_optimizer(config(kind), straight);
    Parameters resumed(random_start());
    Tensors state;
    {
      Optimizer first(config(kind), resumed);
      for (std::uint64_t step = 0; step < 3; ++step) {
        set_gradients(resumed, step);
        first.step(1e-2, {}, {});
      }
      state = first.state();
    }
    Optimizer second(config(kind), resumed);
    REQUIRE(second.load_state(state).empty());
    for (std::uint64_t step = 0; step < 6; ++step) {
      set_gradients(straight, step);
      straight_optimizer.step(1e-2, {}, {});
      if (step < 3) continue;
      set_gradients(resumed, step);
      second.step(1e-2, {}, {});
    }
    CHECK(largest_difference(straight, resumed) == 0.0);
  }
}

TEST_CASE("parameters without a gradient are left alone and keep their step count", "[optimizer]") {
  Parameters module(random_start());
  Optimizer optimizer(config(OptimizerKind::adamw), module);
  set_gradients(module, 1);
  auto parameters = module.named_parameters();
  parameters["bias"].mutable_grad().reset();
  const at::Tensor bias = parameters["bias"].detach().clone();
  optimizer.step(1e-2, {}, {});
  CHECK(at::equal(parameters["bias"], bias));
  CHECK(optimizer.state().at("steps").sum().item<double>() == 3.0);
}

TEST_CASE("foreign optimiser states are refused with every problem named", "[optimizer]") {
  Parameters module(random_start());
  Optimizer optimizer(config(OptimizerKind::adamw), module);
  Tensors state;
  for (const auto& [name, tensor] : optimizer.state())
    state[name] = at::ones_like(tensor);
  state.erase("exp_avg.bias");
  state["exp_avg.matrix"] = at::ones({2, 2});
  state["momentum.bias"] = at::ones({4});
  const std::vector<std::string> problems = optimizer.load_state(state);
  CHECK(problems ==
        std::vector<std::string>{"exp_avg.bias: missing",
                                 "exp_avg.matrix: has shape [2, 2], the optimiser needs [3, 4]",
                                 "momentum.bias: unknown name"});
  CHECK(optimizer.state().at("steps").sum().item<double>() == 0.0);
}

TEST_CASE("a step is seen by those who watch the version of a parameter", "[optimizer]") {
  Parameters module(random_start());
  Optimizer optimizer(config(OptimizerKind::adamw), module);
  set_gradients(module, 1);
  const auto before = module.parameters().front()._version();
  optimizer.step(1e-2, {}, {});
  CHECK(module.parameters().front()._version() > before);
}

TEST_CASE("groups of parameters learn at their own rates or not at all", "[optimizer]") {
  dragoman::TrainingConfig settings = config(OptimizerKind::sgd);
  settings.momentum = 0.0;
  settings.weight_decay = 0.0;
  settings.groups = {{"*", 0.5}, {"b*", 2.0}, {"embedding", 0.0}};
  const Tensors start = random_start();
  Parameters module(start);
  Optimizer optimizer(settings, module);
  for (auto& item : module.named_parameters()) {
    CHECK(item.value().requires_grad() == (item.key() != "embedding"));
    if (item.value().requires_grad())
      item.value().mutable_grad() = at::ones_like(item.value()).detach();
  }
  optimizer.step(0.1, {}, {});
  const std::map<std::string, double> moved = {
      {"matrix", 0.05}, {"gain", 0.05}, {"bias", 0.2}, {"embedding", 0.0}};
  for (const auto& item : module.named_parameters()) {
    CAPTURE(item.key());
    const at::Tensor distance = start.at("start." + item.key()) - item.value();
    CHECK((distance - moved.at(item.key())).abs().max().item<double>() < 1e-6);
  }
  settings.groups = {{"encodr.*", 0.5}};
  CHECK_THROWS_WITH(Optimizer(settings, module), Catch::Contains("\"encodr.*\""));
  settings.groups = {{"*", 0.0}};
  CHECK_THROWS_WITH(Optimizer(settings, module), Catch::Contains("nothing to train"));
}
