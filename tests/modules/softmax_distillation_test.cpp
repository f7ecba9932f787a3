#include "dragoman/modules/softmax_distillation.h"

#include <ATen/ATen.h>

#include "tests/support/catch.h"
#include "tests/support/close.h"

using dragoman::Softening;
using dragoman::SoftmaxOutput;
using dragoman_test::difference;

namespace {

struct Lesson {
  SoftmaxOutput student, teacher;
  at::Tensor row_weights;
};

Lesson random_lesson(std::int64_t rows, std::int64_t words, bool biased) {
  at::manual_seed(3);
  const auto leaf = [](const at::Tensor& x) { return x.detach().requires_grad_(); };
  const at::Tensor bias = biased ? leaf(at::randn({words})) : at::Tensor();
  return {{leaf(at::randn({rows, 12})), leaf(at::randn({words, 12}) * 0.3), bias},
          {at::randn({rows, 20}), at::randn({words, 20}) * 0.3, at::randn({words})},
          at::rand({rows})};
}

SoftmaxOutput wide_output(const SoftmaxOutput& output) {
  const auto wide = [](const at::Tensor& x) {
    return x.defined() ? x.detach().to(at::kDouble).requires_grad_() : x;
  };
  return {wide(output.hidden), wide(output.weight), wide(output.bias)};
}

at::Tensor output_scores(const SoftmaxOutput& output) {
  return at::linear(output.hidden, output.weight,
                    output.bias.defined() ? std::optional(output.bias) : std::nullopt);
}

/// LibTorch's own divergence, in double precision; the words that do not count have no probability.
at::Tensor distillation_reference(const SoftmaxOutput& student, const SoftmaxOutput& teacher,
                                  const at::Tensor& row_weights, const Softening& softening) {
  at::Tensor taught = output_scores(teacher).detach() / softening.temperature;
  if (softening.top_k > 0 && softening.top_k < taught.size(1)) {
    const at::Tensor least =
        std::get<0>(taught.sort(-1, /*descending=*/true)).select(1, softening.top_k - 1);
    taught =
        taught.masked_fill(taught.lt(least.unsqueeze(1)), -std::numeric_limits<double>::infinity());
  }
  const at::Tensor log_p = at::log_softmax(output_scores(student) / softening.temperature, -1);
  const at::Tensor rows = at::kl_div(log_p, at::softmax(taught, -1), at::Reduction::None).sum(-1);
  return (rows * row_weights.to(at::kDouble)).sum();
}

}  // namespace

TEST_CASE("the divergence from a teacher and its gradients", "[distillation]") {
  // The last is cut into several chunks of rows.
  for (const auto& [rows, words] : {std::pair(1, 5), std::pair(70, 9), std::pair(150, 40000)})
    for (const Softening& softening :
         {Softening{}, Softening{.temperature = 2.5}, Softening{.temperature = 0.7, .top_k = 4},
          Softening{.top_k = 100000}}) {
      CAPTURE(rows, words, softening.temperature, softening.top_k);
      const Lesson lesson = random_lesson(rows, words, rows != 70);
      const SoftmaxOutput exact = wide_output(lesson.student);
      const at::Tensor expected =
          distillation_reference(exact, wide_output(lesson.teacher), lesson.row_weights, softening);
      (expected * 0.5).backward();
      const at::Tensor actual = dragoman::softmax_distillation(lesson.student, lesson.teacher,
                                                               lesson.row_weights, softening);
      (actual * 0.5).backward();
      CHECK(difference(actual, expected, 1e-5) == "");
      CHECK(difference(lesson.student.hidden.grad(), exact.hidden.grad(), 2e-5) == "");
      CHECK(difference(lesson.student.weight.grad(), exact.weight.grad(), 2e-5) == "");
      if (exact.bias.defined())
        CHECK(difference(lesson.student.bias.grad(), exact.bias.grad(), 2e-5) == "");
      CHECK_FALSE(lesson.teacher.hidden.grad().defined());
    }
}

TEST_CASE("a student that says what its teacher says has nothing to learn", "[distillation]") {
  const Lesson lesson = random_lesson(6, 30, true);
  const at::Tensor loss =
      dragoman::softmax_distillation(lesson.student,
                                     {lesson.student.hidden.detach(),
                                      lesson.student.weight.detach(), lesson.student.bias.detach()},
                                     at::ones({6}), {.temperature = 3.0});
  CHECK(std::abs(loss.item<double>()) < 1e-5);
  loss.backward();
  CHECK(lesson.student.hidden.grad().abs().max().item<double>() < 1e-6);
}
