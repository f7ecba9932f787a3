#include "dragoman/inference/models/native_model.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "dragoman/inference/search/beam_search.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/fake_model.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"

namespace {

using dragoman::DecodingOptions;
using dragoman::IdHypothesis;
using dragoman::LengthNormalization;
using dragoman::NativeModel;
using dragoman_test::batch_of;
using dragoman_test::tiny_config;
using dragoman_test::tiny_transformer;
using dragoman_test::Tokens;

/// Every sequence of at most `longest` of `words`.
std::vector<Tokens> all_sequences(const Tokens& words, std::size_t longest) {
  std::vector<Tokens> sequences = {{}};
  for (std::size_t begin = 0, length = 1; length <= longest; ++length) {
    const std::size_t end = sequences.size();
    for (; begin < end; ++begin)
      for (const std::int64_t word : words) {
        Tokens longer = sequences[begin];
        longer.push_back(word);
        sequences.push_back(longer);
      }
  }
  return sequences;
}

/// log p of each output, each computed with the whole prefix and no state.
std::vector<IdHypothesis> score_all(dragoman::Transformer model, const Tokens& source,
                                    const std::vector<Tokens>& outputs,
                                    const DecodingOptions& options) {
  std::vector<IdHypothesis> scored;
  const auto batch = batch_of({source});
  for (const Tokens& output : outputs) {
    Tokens input = {2};
    input.insert(input.end(), output.begin(), output.end());
    auto state = model->start(model->encode(batch.ids, {}), {}, false);
    const at::Tensor log_probs =
        model->head()->log_probs(model->decode(at::tensor(input).unsqueeze(0), state))[0];
    IdHypothesis hypothesis;
    hypothesis.ids = output;
    for (std::size_t place = 0; place <= output.size(); ++place)
      hypothesis.token_scores.push_back(
          log_probs[static_cast<std::int64_t>(place)][place < output.size() ? output[place] : 3]
              .item<float>());
    for (const float score : hypothesis.token_scores)
      hypothesis.log_probability += score;
    hypothesis.score = dragoman::normalized_score(
        hypothesis.log_probability, static_cast<std::int64_t>(output.size()) + 1, options);
    scored.push_back(hypothesis);
  }
  std::ranges::stable_sort(scored, std::greater<>(), &IdHypothesis::score);
  return scored;
}

/// Small tensors on one core, as workers compute them.
class OneCore {
 public:
  OneCore() { at::set_num_threads(1); }
  ~OneCore() { at::set_num_threads(before_); }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;

 private:
  int before_ = at::get_num_threads();
  at::NoGradGuard no_grad_;
};

std::vector<Tokens> random_sources(std::int64_t count, std::int64_t vocabulary) {
  std::vector<Tokens> sources;
  for (std::int64_t sentence = 0; sentence < count; ++sentence) {
    Tokens source;
    for (std::int64_t place = 0; place < 1 + sentence * 7 % 13; ++place)
      source.push_back(4 + (sentence * 31 + place * 17) % (vocabulary - 4));
    source.push_back(3);
    sources.push_back(source);
  }
  return sources;
}

}  // namespace

TEST_CASE("a wide beam equals exhaustive search", "[native_model]") {
  const OneCore one_core;
  auto learned = tiny_config(6);
  learned.positions = dragoman::PositionKind::learned;
  learned.max_positions = 16;
  auto lstm = tiny_config(6);
  lstm.architecture = dragoman::Architecture::lstm;
  const auto outputs = all_sequences({1, 4, 5}, 4);
  for (const dragoman::ModelConfig& config : {learned, lstm}) {
    const auto model = tiny_transformer(config);
    for (const auto normalization :
         {LengthNormalization::none, LengthNormalization::average, LengthNormalization::gnmt}) {
      const DecodingOptions options{.beam_size = 400,
                                    .n_best = 400,
                                    .length_normalization = normalization,
                                    .max_length = 4,
                                    .allow_unknown = true};
      const std::vector<Tokens> sources = {{4, 5, 5, 3}, {5, 3}};
      const auto found = dragoman::beam_search(NativeModel(model), batch_of(sources), {}, options);
      for (std::size_t sentence = 0; sentence < sources.size(); ++sentence) {
        const auto expected = score_all(model, sources[sentence], outputs, options);
        REQUIRE(found[sentence].size() == expected.size());
        for (std::size_t rank = 0; rank < expected.size(); ++rank) {
          REQUIRE(found[sentence][rank].ids == expected[rank].ids);
          REQUIRE(std::abs(found[sentence][rank].score - expected[rank].score) < 1e-5);
        }
      }
    }
  }
}

TEST_CASE("candidates of the fast way are those of the log-probabilities", "[native_model]") {
  const OneCore one_core;
  const NativeModel model(tiny_transformer(tiny_config(300)));
  const auto batch = batch_of(random_sources(5, 300));
  const auto fast_state = model.start(batch);
  const auto plain_state = model.start(batch);
  const at::Tensor next = at::full({5, 1}, 2, at::kLong);
  const std::vector<std::int64_t> forbidden = {0, 1, 2};
  const auto fast = model.step_candidates(next, *fast_state, {4, forbidden});
  const auto plain = model.StepModel::step_candidates(next, *plain_state, {4, forbidden});
  CHECK(fast.ids == plain.ids);
  for (std::size_t place = 0; place < fast.log_probs.size(); ++place)
    CHECK(std::abs(fast.log_probs[place] - plain.log_probs[place]) < 1e-5f);
}

TEST_CASE("scoring in one pass equals scoring step by step", "[native_model]") {
  const OneCore one_core;
  const NativeModel model(tiny_transformer(tiny_config(50)));
  const auto batch = batch_of(random_sources(6, 50));
  const at::Tensor input = at::randint(4, 50, {6, 9}, at::kLong);
  const at::Tensor output = at::randint(4, 50, {6, 9}, at::kLong);
  const at::Tensor together = model.score(batch, input, output).log_probs;
  const at::Tensor stepwise = model.StepModel::score(batch, input, output).log_probs;
  REQUIRE(together.sizes() == stepwise.sizes());
  CHECK(at::max(at::abs(together - stepwise)).item<float>() < 1e-5f);
}

TEST_CASE("scoring an output gives the scores that the search gave", "[native_model]") {
  const OneCore one_core;
  const NativeModel model(tiny_transformer(tiny_config(50)));
  const auto sources = random_sources(12, 50);
  const auto results = dragoman::beam_search(model, batch_of(sources), {},
                                             {.beam_size = 4, .n_best = 4, .max_length = 12});
  for (std::size_t sentence = 0; sentence < sources.size(); ++sentence)
    for (const IdHypothesis& hypothesis : results[sentence]) {
      Tokens input = {2};
      input.insert(input.end(), hypothesis.ids.begin(), hypothesis.ids.end());
      Tokens output = hypothesis.ids;
      output.push_back(3);
      const at::Tensor scores =
          model
              .score(batch_of({sources[sentence]}), at::tensor(input).unsqueeze(0),
                     at::tensor(output).unsqueeze(0))
              .log_probs[0];
      REQUIRE(hypothesis.token_scores.size() == output.size() - (hypothesis.ended ? 0 : 1));
      for (std::size_t token = 0; token < hypothesis.token_scores.size(); ++token)
        REQUIRE(std::abs(scores[static_cast<std::int64_t>(token)].item<float>() -
                         hypothesis.token_scores[token]) < 1e-5f);
    }
}

TEST_CASE("outputs of a Transformer do not depend on the batch", "[native_model]") {
  const OneCore one_core;
  const NativeModel model(tiny_transformer(tiny_config(50)));
  const auto sources = random_sources(64, 50);
  const DecodingOptions options{.beam_size = 4, .n_best = 4, .max_length = 20};
  const auto together = dragoman::beam_search(model, batch_of(sources), {}, options);
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}}) {
    for (std::size_t start = 0; start < sources.size(); start += size) {
      // In reverse, so that neighbours differ.
      std::vector<Tokens> part(sources.begin() + start,
                               sources.begin() + std::min(sources.size(), start + size));
      std::ranges::reverse(part);
      const auto found = dragoman::beam_search(model, batch_of(part), {}, options);
      for (std::size_t place = 0; place < part.size(); ++place) {
        const auto& one = found[place];
        const auto& other = together[start + part.size() - 1 - place];
        REQUIRE(one.size() == other.size());
        for (std::size_t rank = 0; rank < one.size(); ++rank) {
          REQUIRE(one[rank].ids == other[rank].ids);
          REQUIRE(std::abs(one[rank].score - other[rank].score) < 1e-5);
        }
      }
    }
  }
}

TEST_CASE("learned positions bound source and target", "[native_model]") {
  const OneCore one_core;
  auto config = tiny_config(20);
  config.positions = dragoman::PositionKind::learned;
  config.max_positions = 8;
  const NativeModel model(tiny_transformer(config));
  CHECK(model.max_positions() == 8);
  const auto found = dragoman::beam_search(model, batch_of({{4, 5, 3}}), {},
                                           {.beam_size = 2, .min_length = 50, .max_length = 100});
  CHECK(found[0][0].ids.size() == 7);
}
