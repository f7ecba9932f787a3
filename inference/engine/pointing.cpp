#include "dragoman/inference/engine/pointing.h"

#include <algorithm>
#include <cmath>

#include "dragoman/inference/kernels/attention.h"
#include "dragoman/inference/kernels/rows.h"

namespace dragoman::engine {
namespace {

/// log of 1 / (1 + e^-x), for any x.
float log_sigmoid(float x) {
  return std::min(x, 0.0f) - std::log1p(std::exp(-std::fabs(x)));
}

/// Rows of `width` are taken from where `rows` says.
template <class Value>
void gather_rows(std::vector<Value>& values, std::span<const std::int64_t> rows,
                 std::int64_t width) {
  if (values.empty()) return;
  std::vector<Value> moved(rows.size() * static_cast<std::size_t>(width));
  for (std::size_t row = 0; row < rows.size(); ++row)
    std::copy_n(values.data() + rows[row] * width, width,
                moved.data() + static_cast<std::int64_t>(row) * width);
  values = std::move(moved);
}

}  // namespace

Pointing::Pointing(Decoding& decoding)
    : pointer_(*decoding.network().pointer), longest_(decoding.longest_source()) {
  const auto positions = static_cast<std::int64_t>(decoding.sources().ids.size());
  if (pointer_.key) {
    key_stride_ = pointer_.key_dim;
    float* keys = decoding.workspace().arena.floats(positions * key_stride_);
    (*pointer_.key)(decoding.memory(), positions, keys, decoding.workspace().scratch);
    keys_ = keys;
  } else {
    key_stride_ = 2 * decoding.network().config.decoder.dim;
    keys_ = decoding.cross_keys(pointer_.layer) + (pointer_.config.head - 1) * pointer_.key_dim;
  }
  context_.resize(static_cast<std::size_t>(pointer_.key_dim));
  first_look_.resize(static_cast<std::size_t>(longest_));
  const auto rows = static_cast<std::size_t>(decoding.rows() * longest_);
  if (pointer_.config.coverage) seen_.resize(rows);
  if (!pointer_.follow.empty()) runs_.resize(rows);
}

const Pointed& Pointing::point(Decoding& decoding, const float* hidden,
                               std::span<const std::int64_t> tokens, std::int64_t count) {
  const std::int64_t dim = decoding.network().config.decoder.dim;
  const std::int64_t places = decoding.rows() * count;
  pointed_.log_weights.resize(static_cast<std::size_t>(places * longest_));
  pointed_.log_generate.resize(static_cast<std::size_t>(places));
  pointed_.log_copy.resize(static_cast<std::size_t>(places));
  float* queries = nullptr;
  if (pointer_.query) {
    queries = decoding.workspace().queries.floats(places * pointer_.key_dim);
    (*pointer_.query)(hidden, places, queries, decoding.workspace().scratch);
  }
  for (std::int64_t place = 0; place < places; ++place)
    point_row(decoding, hidden + place * dim,
              queries == nullptr ? nullptr : queries + place * pointer_.key_dim, place / count,
              tokens[static_cast<std::size_t>(place)], place);
  return pointed_;
}

void Pointing::point_row(Decoding& decoding, const float* hidden, const float* query,
                         std::int64_t row, std::int64_t token, std::int64_t place) {
  const std::int64_t begin = decoding.source_begin(row);
  const std::int64_t length = decoding.source_end(row) - begin;
  rows_.clear();
  for (std::int64_t position = 0; position < length; ++position)
    rows_.push_back(keys_ + (begin + position) * key_stride_);
  const std::span<float> scores(pointed_.log_weights.data() + place * longest_,
                                static_cast<std::size_t>(length));
  if (query != nullptr)
    dot_products(query, rows_.data(), length, pointer_.key_dim,
                 1.0f / std::sqrt(static_cast<float>(pointer_.key_dim)), scores.data());
  else
    std::copy_n(decoding.cross_scores().data() + place * longest_, length, scores.data());

  if (pointer_.config.coverage) look_back(row, scores);
  std::int64_t run = 0;
  if (!pointer_.follow.empty())
    run = follow({decoding.sources().copy_ids.data() + begin, static_cast<std::size_t>(length)},
                 row, token, scores);
  log_softmax(scores.data(), length);

  float* weights = first_look_.data();
  for (std::int64_t position = 0; position < length; ++position)
    weights[position] = std::exp(scores[static_cast<std::size_t>(position)]);
  weighted_sum(weights, rows_.data(), length, pointer_.key_dim, context_.data());
  const std::int64_t dim = decoding.network().config.decoder.dim;
  const float* parts[] = {pointer_.gate.data()};
  float gate = 0.0f;
  float from_context = 0.0f;
  dot_products(hidden, parts, 1, dim, 1.0f, &gate);
  parts[0] += dim;
  dot_products(context_.data(), parts, 1, pointer_.key_dim, 1.0f, &from_context);
  gate += from_context + pointer_.gate_bias;
  for (std::int64_t level = 0; level < run; ++level)
    gate += pointer_.follow_gate[static_cast<std::size_t>(level)];
  pointed_.log_generate[static_cast<std::size_t>(place)] = log_sigmoid(gate);
  pointed_.log_copy[static_cast<std::size_t>(place)] = log_sigmoid(-gate);
}

void Pointing::look_back(std::int64_t row, std::span<float> scores) {
  std::copy(scores.begin(), scores.end(), first_look_.begin());
  log_softmax(first_look_.data(), std::ssize(scores));
  float* seen = seen_.data() + row * longest_;
  for (std::size_t position = 0; position < scores.size(); ++position) {
    scores[position] += pointer_.coverage * seen[position];
    seen[position] += std::exp(first_look_[position]);
  }
}

std::int64_t Pointing::follow(std::span<const std::int64_t> copy_ids, std::int64_t row,
                              std::int64_t token, std::span<float> scores) {
  const auto most = static_cast<std::int32_t>(pointer_.follow.size());
  std::int32_t* runs = runs_.data() + row * longest_;
  std::int32_t longest = 0;
  for (std::size_t position = copy_ids.size(); position-- > 1;) {
    const bool continues = copy_ids[position - 1] == token;
    runs[position] = continues ? std::min(runs[position - 1] + 1, most) : 0;
    longest = std::max(longest, runs[position]);
    for (std::int32_t level = 0; level < runs[position]; ++level)
      scores[position] += pointer_.follow[static_cast<std::size_t>(level)];
  }
  return longest;
}

void Pointing::reorder(std::span<const std::int64_t> rows) {
  gather_rows(seen_, rows, longest_);
  gather_rows(runs_, rows, longest_);
}

}  // namespace dragoman::engine
