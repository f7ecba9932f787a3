#include "dragoman/modules/softmax_loss.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "tests/support/catch.h"
#include "tests/support/close.h"

using dragoman_test::difference;

namespace {

struct Inputs {
  at::Tensor hidden, weight, bias, targets;
};

Inputs random_inputs(std::int64_t rows, std::int64_t vocabulary, at::ScalarType type) {
  at::manual_seed(11);
  const auto options = at::TensorOptions().dtype(type);
  return {at::randn({rows, 24}, options).requires_grad_(),
          at::randn({vocabulary, 24}, options).requires_grad_(),
          at::randn({vocabulary}, options).requires_grad_(),
          at::randint(vocabulary, {rows}, at::kLong)};
}

/// Every fifth row is padding.
void ignore_some(at::Tensor& targets) {
  targets.masked_fill_(at::arange(targets.size(0)).remainder(5).eq(2), -1);
}

at::Tensor in_double(const at::Tensor& x) {
  return x.defined()
             ? x.detach().to(at::kDouble, /*non_blocking=*/false, /*copy=*/true).requires_grad_()
             : at::Tensor();
}

/// Against LibTorch's cross entropy in double precision.
void compare(const Inputs& inputs, double smoothing, double tolerance) {
  const Inputs exact{in_double(inputs.hidden), in_double(inputs.weight), in_double(inputs.bias),
                     inputs.targets};
  const at::Tensor logits = at::linear(exact.hidden, exact.weight, exact.bias);
  const at::Tensor expected = at::cross_entropy_loss(logits, inputs.targets, {}, at::Reduction::Sum,
                                                     /*ignore_index=*/-1, smoothing);
  const at::Tensor nll =
      at::cross_entropy_loss(logits, inputs.targets, {}, at::Reduction::Sum, -1, 0.0);
  (expected * 0.5).backward();

  const dragoman::TokenLoss actual =
      dragoman::softmax_loss(inputs.hidden, inputs.weight, inputs.bias, inputs.targets, smoothing);
  CHECK(difference(actual.loss, expected, tolerance) == "");
  CHECK(difference(actual.nll, nll, tolerance) == "");
  CHECK(actual.correct.equal(logits.argmax(-1).eq(inputs.targets).sum()));
  CHECK_FALSE(actual.nll.requires_grad());
  (actual.loss * 0.5).backward();
  CHECK(difference(inputs.hidden.grad(), exact.hidden.grad(), tolerance) == "");
  CHECK(difference(inputs.weight.grad(), exact.weight.grad(), tolerance) == "");
  if (inputs.bias.defined())
    CHECK(difference(inputs.bias.grad(), exact.bias.grad(), tolerance) == "");
}

}  // namespace

TEST_CASE("the fused loss equals cross entropy in value and gradients", "[softmax_loss]") {
  for (const double smoothing : {0.0, 0.1}) {
    Inputs inputs = random_inputs(150, 333, at::kFloat);
    compare(inputs, smoothing, 2e-6);
    inputs = random_inputs(150, 333, at::kFloat);
    ignore_some(inputs.targets);
    compare(inputs, smoothing, 2e-6);
    inputs.bias = at::Tensor();
    inputs.hidden.mutable_grad().zero_();
    inputs.weight.mutable_grad().zero_();
    compare(inputs, smoothing, 2e-6);
  }
}

TEST_CASE("the fused loss is exact in double precision", "[softmax_loss]") {
  Inputs inputs = random_inputs(60, 50, at::kDouble);
  ignore_some(inputs.targets);
  compare(inputs, 0.1, 1e-7);  // nll is returned as float
}

TEST_CASE("the fused loss works in several chunks of rows", "[softmax_loss]") {
  Inputs inputs = random_inputs(600, 40000, at::kFloat);
  ignore_some(inputs.targets);
  compare(inputs, 0.1, 2e-5);
}

TEST_CASE("the fused loss survives logits of any size", "[softmax_loss]") {
  Inputs inputs = random_inputs(20, 50, at::kFloat);
  inputs.weight = (inputs.weight.detach() * 1000.0).requires_grad_();
  compare(inputs, 0.1, 2e-6);
}

TEST_CASE("the loss of padding alone is zero with zero gradients", "[softmax_loss]") {
  Inputs inputs = random_inputs(4, 10, at::kFloat);
  inputs.targets.fill_(-1);
  const dragoman::TokenLoss loss =
      dragoman::softmax_loss(inputs.hidden, inputs.weight, inputs.bias, inputs.targets, 0.1);
  CHECK(loss.loss.item<double>() == 0.0);
  CHECK(loss.correct.item<std::int64_t>() == 0);
  loss.loss.backward();
  CHECK(inputs.hidden.grad().eq(0).all().item<bool>());
  CHECK(inputs.weight.grad().eq(0).all().item<bool>());
}

TEST_CASE("without gradient mode the fused loss gives the same values", "[softmax_loss]") {
  const Inputs inputs = random_inputs(30, 40, at::kFloat);
  const auto run = [&] {
    return dragoman::softmax_loss(inputs.hidden, inputs.weight, inputs.bias, inputs.targets, 0.1);
  };
  const dragoman::TokenLoss expected = run();
  const at::NoGradGuard no_grad;
  const dragoman::TokenLoss actual = run();
  CHECK_FALSE(actual.loss.requires_grad());
  CHECK(actual.loss.equal(expected.loss));
  CHECK(actual.nll.equal(expected.nll));
  CHECK(actual.correct.equal(expected.correct));
}

TEST_CASE("the fused loss does not depend on the number of threads", "[softmax_loss]") {
  const int threads = at::get_num_threads();
  const auto run = [](int count) {
    at::set_num_threads(count);
    Inputs inputs = random_inputs(200, 500, at::kFloat);
    const dragoman::TokenLoss loss =
        dragoman::softmax_loss(inputs.hidden, inputs.weight, inputs.bias, inputs.targets, 0.1);
    loss.loss.backward();
    return std::vector{loss.loss.detach(), inputs.bias.grad()};
  };
  const std::vector<at::Tensor> one = run(1);
  const std::vector<at::Tensor> three = run(3);
  at::set_num_threads(threads);
  CHECK(difference(three[0], one[0], 1e-6) == "");
  CHECK(difference(three[1], one[1], 1e-6) == "");
}

TEST_CASE("the fused loss of bfloat16 is close to that of float32", "[softmax_loss]") {
  const Inputs inputs = random_inputs(150, 333, at::kFloat);
  const at::Tensor narrow = (inputs.hidden.detach() * 0.1).to(at::kBFloat16).requires_grad_();
  const at::Tensor wide = narrow.detach().to(at::kFloat).requires_grad_();
  const auto weight_gradient = [&](const at::Tensor& hidden, double& value) {
    const dragoman::TokenLoss loss =
        dragoman::softmax_loss(hidden, inputs.weight, inputs.bias, inputs.targets, 0.1);
    value = loss.loss.item<double>();
    loss.loss.backward();
    const at::Tensor gradient = inputs.weight.grad().clone();
    inputs.weight.mutable_grad().zero_();
    return gradient;
  };
  double exact = 0.0;
  double rounded = 0.0;
  const at::Tensor expected = weight_gradient(wide, exact);
  const at::Tensor actual = weight_gradient(narrow, rounded);
  CHECK(std::abs(rounded / exact - 1.0) < 2e-3);
  CHECK(difference(actual, expected, 0.01) == "");
  CHECK(difference(narrow.grad(), wide.grad(), 0.01) == "");
}
