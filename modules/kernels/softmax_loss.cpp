#include "dragoman/modules/kernels/softmax_loss.h"

#include <cmath>

#include "dragoman/modules/kernels/multiversion.h"

namespace dragoman::kernels {
namespace {

/// So many words are summed in float: one long sum would lose digits where it is not vectorised.
constexpr std::int64_t kBlock = 512;

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

/// What is known of a row's target beside its logit.
struct Target {
  std::int64_t word;
  float copy_odds;   ///< minus infinity: cannot be copied
  float rival_odds;  ///< minus infinity: nothing else can
};

/// log(e^a + e^b); minus infinity when both are.
float log_add(float a, float b) {
  const float high = a > b ? a : b;
  const float low = a > b ? b : a;
  return std::isinf(high) ? high : high + std::log1p(std::exp(low - high));
}

template <class Number>
[[gnu::always_inline]] inline SoftmaxLossRow loss_row(const SoftmaxLossRows<Number>& work,
                                                      Number* row, const Target& target) {
  const std::int64_t size = work.vocabulary;
  const bool is_word = target.word < size;
  const float greatest = add_bias(row, work.bias, size);
  const float target_logit = is_word ? load(row[target.word]) : -INFINITY;
  double sum = 0.0;
  double distances = 0.0;  // of all logits from the greatest
  for (std::int64_t begin = 0; begin < size; begin += kBlock) {
    const std::int64_t end = begin + kBlock < size ? begin + kBlock : size;
    float block_sum = 0.0f;
    float block_distances = 0.0f;
#pragma omp simd reduction(+ : block_sum, block_distances)
    for (std::int64_t word = begin; word < end; ++word) {
      const float distance = load(row[word]) - greatest;
      const float value = exponential(distance);
      block_sum += value;
      block_distances += distance;
      store(value, row[word]);  // without a condition, which would keep the loop from vectorising
    }
    sum += block_sum;
    distances += block_distances;
  }
  const auto exponentials = static_cast<float>(sum);
  const float log_sum = std::log(exponentials);
  const float generated = target_logit - greatest - log_sum;  // log softmax of the target
  const float total =
      std::isinf(target.copy_odds) ? generated : log_add(generated, target.copy_odds);
  const float kept = std::isinf(target.copy_odds) ? 1.0f
                     : is_word                    ? std::exp(generated - total)
                                                  : 0.0f;
  const float smoothing = is_word ? work.smoothing : 0.0f;
  const float share = (1.0f - smoothing) * kept;
  const float mean_nll = log_sum - static_cast<float>(distances / static_cast<double>(size));
  if (work.want_gradient) {
    gradient_row(row, (share + smoothing) / exponentials, smoothing / static_cast<float>(size),
                 work.bias_gradient, size);
    if (is_word) {
      store(load(row[target.word]) - share, row[target.word]);
      if (work.bias_gradient != nullptr) work.bias_gradient[target.word] -= share;
    }
  }
  const float loss =
      smoothing == 0.0f ? -total : (1.0f - smoothing) * -total + smoothing * mean_nll;
  const bool beats_words =
      target_logit >= greatest || (!std::isinf(target.copy_odds) && total >= -log_sum);
  return {loss, -total, 1.0f - kept, beats_words && total >= target.rival_odds};
}

template <class Number>
[[gnu::always_inline]] inline void loss_rows(const SoftmaxLossRows<Number>& work) {
  const bool copies = work.copy_odds != nullptr;
  for (std::int64_t index = 0; index < work.rows; ++index) {
    Number* row = work.logits + index * work.vocabulary;
    work.results[index] = loss_row(work, row,
                                   {work.targets[index], copies ? work.copy_odds[index] : -INFINITY,
                                    copies ? work.rival_odds[index] : -INFINITY});
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
