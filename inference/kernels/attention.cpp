#include "dragoman/inference/kernels/attention.h"

#include <cstring>

#include "dragoman/modules/kernels/instruction_set.h"
#include "dragoman/modules/kernels/number.h"

namespace dragoman {
namespace {

constexpr std::int64_t kSoftmaxLanes = 16;

using F4 = float __attribute__((vector_size(16)));
using F8 = float __attribute__((vector_size(32)));
using F16 = float __attribute__((vector_size(64)));

template <class Vector>
[[gnu::always_inline]] inline void load(const float* from, Vector& to) {
  std::memcpy(&to, from, sizeof to);
}

template <class Vector>
[[gnu::always_inline]] inline float sum_lanes(const Vector& vector) {
  constexpr int kLanes = sizeof(Vector) / sizeof(float);
  float parts[kLanes];
  std::memcpy(parts, &vector, sizeof vector);
#pragma GCC unroll 4
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane)
      parts[lane] += parts[lane + half];
  return parts[0];
}

/// Products of one query with kKeys keys at once: so many sums hide the latency of each.
template <class Vector, int kKeys>
[[gnu::always_inline]] inline void dot(const float* query, const float* const* keys,
                                       std::int64_t offset, std::int64_t dim, float scale,
                                       float* out) {
  constexpr int kLanes = sizeof(Vector) / sizeof(float);
  Vector sums[kKeys];
#pragma GCC unroll 4
  for (int key = 0; key < kKeys; ++key)
    sums[key] = Vector{};
  std::int64_t start = 0;
  for (; start + kLanes <= dim; start += kLanes) {
    Vector part;
    load(query + start, part);
#pragma GCC unroll 4
    for (int key = 0; key < kKeys; ++key) {
      Vector row;
      load(keys[key] + offset + start, row);
      sums[key] += part * row;
    }
  }
#pragma GCC unroll 4
  for (int key = 0; key < kKeys; ++key) {
    float sum = sum_lanes(sums[key]);
    for (std::int64_t rest = start; rest < dim; ++rest)
      sum += query[rest] * keys[key][offset + rest];
    out[key] = sum * scale;
  }
}

template <class Vector>
[[gnu::always_inline]] inline void dots(const float* query, const float* const* keys,
                                        std::int64_t offset, std::int64_t count, std::int64_t dim,
                                        float scale, float* out) {
  std::int64_t key = 0;
  for (; key + 4 <= count; key += 4)
    dot<Vector, 4>(query, keys + key, offset, dim, scale, out + key);
  for (; key < count; ++key)
    dot<Vector, 1>(query, keys + key, offset, dim, scale, out + key);
}

/// kVectors neighbouring vectors of the weighted sum.
template <class Vector, int kVectors>
[[gnu::always_inline]] inline void sum_part(const float* weights, const float* const* rows,
                                            std::int64_t offset, std::int64_t count, float* out) {
  constexpr int kLanes = sizeof(Vector) / sizeof(float);
  Vector sums[kVectors];
#pragma GCC unroll 8
  for (int vector = 0; vector < kVectors; ++vector)
    sums[vector] = Vector{};
  for (std::int64_t row = 0; row < count; ++row)
#pragma GCC unroll 8
    for (int vector = 0; vector < kVectors; ++vector) {
      Vector values;
      load(rows[row] + offset + vector * kLanes, values);
      sums[vector] += weights[row] * values;
    }
  std::memcpy(out, sums, sizeof sums);
}

template <class Vector>
[[gnu::always_inline]] inline void sum_rows(const float* weights, const float* const* rows,
                                            std::int64_t offset, std::int64_t count,
                                            std::int64_t dim, float* out) {
  constexpr int kLanes = sizeof(Vector) / sizeof(float);
  std::int64_t start = 0;
  for (; start + 8 * kLanes <= dim; start += 8 * kLanes)
    sum_part<Vector, 8>(weights, rows, offset + start, count, out + start);
  for (; start + 4 * kLanes <= dim; start += 4 * kLanes)
    sum_part<Vector, 4>(weights, rows, offset + start, count, out + start);
  for (; start + kLanes <= dim; start += kLanes)
    sum_part<Vector, 1>(weights, rows, offset + start, count, out + start);
  for (; start < dim; ++start) {
    float sum = 0.0f;
    for (std::int64_t row = 0; row < count; ++row)
      sum += weights[row] * rows[row][offset + start];
    out[start] = sum;
  }
}

/// scores [count], with room to the next multiple of kSoftmaxLanes.
[[gnu::always_inline]] inline void softmax(float* scores, std::int64_t count) {
  float highest = scores[0];
  for (std::int64_t key = 1; key < count; ++key)
    highest = scores[key] > highest ? scores[key] : highest;
  const std::int64_t padded = (count + kSoftmaxLanes - 1) / kSoftmaxLanes * kSoftmaxLanes;
  for (std::int64_t key = count; key < padded; ++key)
    scores[key] = highest - 1000.0f;  // becomes 0
  float sums[kSoftmaxLanes] = {};
  for (std::int64_t start = 0; start < padded; start += kSoftmaxLanes)
    for (std::int64_t lane = 0; lane < kSoftmaxLanes; ++lane) {
      const float value = kernels::exponential(scores[start + lane] - highest);
      scores[start + lane] = value;
      sums[lane] += value;
    }
  float sum = 0.0f;
  for (const float part : sums)
    sum += part;
  const float inverse = 1.0f / sum;
  for (std::int64_t start = 0; start < padded; start += kSoftmaxLanes)
    for (std::int64_t lane = 0; lane < kSoftmaxLanes; ++lane)
      scores[start + lane] *= inverse;
}

[[gnu::always_inline]] inline void add_mean(const AttentionQuery& in, std::int64_t head,
                                            const float* weights) {
  const float part = 1.0f / static_cast<float>(in.heads);
  for (std::int64_t key = 0; key < in.count; ++key)
    in.mean_weights[key] = (head == 0 ? 0.0f : in.mean_weights[key]) + part * weights[key];
}

template <class Vector>
[[gnu::always_inline]] inline void attend_with(const AttentionQuery& in, float* scratch) {
  for (std::int64_t head = 0; head < in.heads; ++head) {
    const std::int64_t offset = head * in.head_dim;
    dots<Vector>(in.query + offset, in.keys, offset, in.count, in.head_dim, in.scale, scratch);
    if (in.scores != nullptr && head == in.score_head)
      std::memcpy(in.scores, scratch, static_cast<std::size_t>(in.count) * sizeof(float));
    softmax(scratch, in.count);
    if (in.mean_weights != nullptr) add_mean(in, head, scratch);
    sum_rows<Vector>(scratch, in.keys, in.value_offset + offset, in.count, in.head_dim,
                     in.out + offset);
  }
}

struct Functions {
  void (*attend)(const AttentionQuery&, float*);
  void (*dots)(const float*, const float* const*, std::int64_t, std::int64_t, float, float*);
  void (*sum)(const float*, const float* const*, std::int64_t, std::int64_t, float*);
};

void attend_portable(const AttentionQuery& query, float* scratch) {
  attend_with<F4>(query, scratch);
}
void dots_portable(const float* query, const float* const* keys, std::int64_t count,
                   std::int64_t dim, float scale, float* out) {
  dots<F4>(query, keys, 0, count, dim, scale, out);
}
void sum_portable(const float* weights, const float* const* rows, std::int64_t count,
                  std::int64_t dim, float* out) {
  sum_rows<F4>(weights, rows, 0, count, dim, out);
}

#if defined(__x86_64__) && defined(__GNUC__)
[[gnu::target("arch=x86-64-v3")]] void attend_v3(const AttentionQuery& query, float* scratch) {
  attend_with<F8>(query, scratch);
}
[[gnu::target("arch=x86-64-v3")]] void dots_v3(const float* query, const float* const* keys,
                                               std::int64_t count, std::int64_t dim, float scale,
                                               float* out) {
  dots<F8>(query, keys, 0, count, dim, scale, out);
}
[[gnu::target("arch=x86-64-v3")]] void sum_v3(const float* weights, const float* const* rows,
                                              std::int64_t count, std::int64_t dim, float* out) {
  sum_rows<F8>(weights, rows, 0, count, dim, out);
}
[[gnu::target("arch=x86-64-v4")]] void attend_v4(const AttentionQuery& query, float* scratch) {
  attend_with<F16>(query, scratch);
}
[[gnu::target("arch=x86-64-v4")]] void dots_v4(const float* query, const float* const* keys,
                                               std::int64_t count, std::int64_t dim, float scale,
                                               float* out) {
  dots<F16>(query, keys, 0, count, dim, scale, out);
}
[[gnu::target("arch=x86-64-v4")]] void sum_v4(const float* weights, const float* const* rows,
                                              std::int64_t count, std::int64_t dim, float* out) {
  sum_rows<F16>(weights, rows, 0, count, dim, out);
}

Functions choose_functions() {
  using kernels::InstructionSet;
  if (kernels::instruction_set() >= InstructionSet::x86_64_v4) return {attend_v4, dots_v4, sum_v4};
  if (kernels::instruction_set() >= InstructionSet::x86_64_v3) return {attend_v3, dots_v3, sum_v3};
  return {attend_portable, dots_portable, sum_portable};
}
#else
Functions choose_functions() {
  return {attend_portable, dots_portable, sum_portable};
}
#endif

const Functions& functions() {
  static const Functions chosen = choose_functions();
  return chosen;
}

}  // namespace

std::int64_t attention_scratch(std::int64_t count) {
  return (count + kSoftmaxLanes - 1) / kSoftmaxLanes * kSoftmaxLanes;
}

void attend(const AttentionQuery& query, float* scratch) {
  functions().attend(query, scratch);
}

void dot_products(const float* query, const float* const* keys, std::int64_t count,
                  std::int64_t dim, float scale, float* out) {
  functions().dots(query, keys, count, dim, scale, out);
}

void weighted_sum(const float* weights, const float* const* rows, std::int64_t count,
                  std::int64_t dim, float* out) {
  functions().sum(weights, rows, count, dim, out);
}

}  // namespace dragoman
