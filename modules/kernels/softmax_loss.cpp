#include "dragoman/modules/kernels/softmax_loss.h"

#include <cmath>

#include "dragoman/modules/kernels/multiversion.h"

namespace dragoman::kernels {
namespace {

/// Adds the bias to the row, in place; returns the greatest logit.
template <class Number>
[[gnu::always_inline]] inline float add_bias(Number* row, const float* bias, std::int64_t size) {
  float greatest = -INFINITY;
  if (bias == nullptr) {
#pragma omp simd reduction(max : greatest)
    for (std::int64_t word = 0; word < size; ++word) {
      const float value = load(row[word]);
      greatest = greatest > value ? greatest : value;
    }
    return greatest;
  }
#pragma omp simd reduction(max : greatest)
  for (std::int64_t word = 0; word < size; ++word) {
    store(load(row[word]) + bias[word], row[word]);
    const float value = load(row[word]);
    greatest = greatest > value ? greatest : value;
  }
  return greatest;
}

/// row = row * factor - smooth, also added to `sums` unless that is null.
template <class Number>
[[gnu::always_inline]] inline void gradient_row(Number* row, float factor, float smooth,
                                                float* sums, std::int64_t size) {
  if (sums == nullptr) {
#pragma omp simd
    for (std::int64_t word = 0; word < size; ++word)
      store(load(row[word]) * factor - smooth, row[word]);
    return;
  }
#pragma omp simd
  for (std::int64_t word = 0; word < size; ++word) {
    const float gradient = load(row[word]) * factor - smooth;
    sums[word] += gradient;
    store(gradient, row[word]);
  }
}

template <class Number>
[[gnu::always_inline]] inline SoftmaxLossRow loss_row(const SoftmaxLossRows<Number>& work,
                                                      Number* row, std::int64_t target) {
  const std::int64_t size = work.vocabulary;
  const float greatest = add_bias(row, work.bias, size);
  const float target_logit = load(row[target]);
  float exponentials = 0.0f;
  float distances = 0.0f;  // of all logits from the greatest
#pragma omp simd reduction(+ : exponentials, distances)
  for (std::int64_t word = 0; word < size; ++word) {
    const float distance = load(row[word]) - greatest;
    const float value = exponential(distance);
    exponentials += value;
    distances += distance;
    store(value, row[word]);  // without a condition, which would keep the loop from vectorising
  }
  const float log_sum = std::log(exponentials);
  const float nll = log_sum - (target_logit - greatest);
  const float mean_nll = log_sum - distances / static_cast<float>(size);
  if (work.want_gradient) {
    const float share = 1.0f - work.smoothing;
    gradient_row(row, 1.0f / exponentials, work.smoothing / static_cast<float>(size),
                 work.bias_gradient, size);
    store(load(row[target]) - share, row[target]);
    if (work.bias_gradient != nullptr) work.bias_gradient[target] -= share;
  }
  return {(1.0f - work.smoothing) * nll + work.smoothing * mean_nll, nll, target_logit >= greatest};
}

template <class Number>
[[gnu::always_inline]] inline void loss_rows(const SoftmaxLossRows<Number>& work) {
  for (std::int64_t index = 0; index < work.rows; ++index) {
    Number* row = work.logits + index * work.vocabulary;
    work.results[index] = loss_row(work, row, work.targets[index]);
  }
}

}  // namespace

DRAGOMAN_MULTIVERSION
void softmax_loss(const SoftmaxLossRows<float>& work) {
  loss_rows(work);
}

DRAGOMAN_MULTIVERSION
void softmax_loss(const SoftmaxLossRows<BFloat16>& work) {
  loss_rows(work);
}

}  // namespace dragoman::kernels
