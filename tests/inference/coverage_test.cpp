// The coverage penalty in beam search against its formula over every output there is.
#include "dragoman/inference/search/coverage.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/cpu_model.h"
#include "dragoman/inference/models/ensemble_model.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/search/beam_search.h"
#include "dragoman/inference/translator.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/tiny_file.h"
#include "tests/support/catch.h"

namespace {

using dragoman::CpuModel;
using dragoman::DecodingOptions;
using dragoman::IdHypothesis;
using dragoman::NativeModel;
using dragoman::SourceBatch;
using dragoman::StepModel;
using dragoman_test::Tokens;

constexpr std::int64_t kFewWords = 8;
constexpr std::int64_t kLongest = 3;

/// Every output of kLongest tokens at most over the words that are no special ones.
std::vector<Tokens> every_output() {
  std::vector<Tokens> outputs{{}};
  for (std::size_t place = 0; place < outputs.size(); ++place)
    if (std::ssize(outputs[place]) < kLongest)
      for (std::int64_t word = 4; word < kFewWords; ++word) {
        outputs.push_back(outputs[place]);
        outputs.back().push_back(word);
      }
  return outputs;
}

/// Score of each output of one sentence: Wu et al. 2016, equation 14, computed from the whole
/// attention at once.
std::map<Tokens, double> brute_force(const StepModel& model, const Tokens& source, bool copies,
                                     const DecodingOptions& options) {
  std::map<Tokens, double> scores;
  for (const Tokens& output : every_output()) {
    SourceBatch batch = dragoman_test::batch_of({source});
    if (copies) batch.copy_ids = batch.ids.clone();
    batch.attention_layer = options.attention_layer;
    IdHypothesis hypothesis;
    hypothesis.ids = output;
    const auto [in, out] = dragoman_test::as_targets({{hypothesis}});
    const dragoman::TokenScores found = model.score(batch, in, out);
    const auto length = static_cast<double>(output.size() + 1);
    double score =
        found.log_probs.sum().item<double>() / std::pow((5.0 + length) / 6.0, options.length_alpha);
    const at::Tensor sums =
        found.attention[0].narrow(1, 0, std::ssize(source) - 1).sum(0).to(at::kDouble);
    for (std::int64_t place = 0; place < sums.size(0); ++place)
      score += options.coverage_penalty * std::log(std::min(sums[place].item<double>(), 1.0));
    scores[output] = score;
  }
  return scores;
}

DecodingOptions whole_search() {
  DecodingOptions options;
  options.beam_size = options.n_best = 400;
  options.max_length = kLongest;
  options.max_length_ratio = 1000.0;
  options.early_stopping = dragoman::EarlyStopping::never;
  options.coverage_penalty = 0.7;
  return options;
}

void check_search(const StepModel& model, bool copies, const DecodingOptions& options) {
  const std::vector<Tokens> sources{{4, 5, 6, 7, 5, 3}, {7, 3}, {6, 6, 4, 3}};
  SourceBatch batch = dragoman_test::batch_of(sources);
  if (copies) {
    batch.copy_ids = batch.ids.clone();
    batch.copy_ids.masked_fill_(batch.ids.eq(0), -2);
  }
  const auto found = dragoman::beam_search(model, batch, {}, options);
  for (std::size_t sentence = 0; sentence < sources.size(); ++sentence) {
    const auto expected = brute_force(model, sources[sentence], copies, options);
    CHECK(found[sentence].size() == expected.size());
    for (std::size_t rank = 0; rank < found[sentence].size(); ++rank) {
      const IdHypothesis& hypothesis = found[sentence][rank];
      CHECK(std::abs(hypothesis.score - expected.at(hypothesis.ids)) < 1e-4);
      if (rank > 0) CHECK(hypothesis.score <= found[sentence][rank - 1].score);
    }
  }
}

}  // namespace

TEST_CASE("coverage is the sum of logarithms of what is below one", "[coverage]") {
  const std::vector<float> attended{0.5f, 2.0f, 1.0f, 0.25f};
  CHECK(dragoman::log_coverage(attended) == Approx(std::log(0.5) + std::log(0.25)));
  CHECK(dragoman::log_coverage(std::vector<float>{}) == 0.0);
  CHECK(dragoman::log_coverage(std::vector<float>{0.0f}) == Approx(std::log(1e-9)));
}

TEST_CASE("a search that keeps everything scores every output by the formula", "[coverage]") {
  const at::NoGradGuard no_grad;
  for (const bool copies : {false, true}) {
    auto config = dragoman_test::copying_config(kFewWords, true);
    config.copy_head.enabled = copies;
    std::vector<std::unique_ptr<StepModel>> members;
    for (const std::uint64_t seed : {1, 2}) {
      const auto network = dragoman_test::tiny_transformer(config, seed);
      check_search(NativeModel(network), copies, whole_search());
      members.push_back(std::make_unique<CpuModel>(network, dragoman::engine::WeightType::fp32));
      check_search(*members.back(), copies, whole_search());
    }
    DecodingOptions of_layer = whole_search();
    of_layer.attention_layer = 2;
    check_search(*members.back(), copies, of_layer);
    check_search(dragoman::EnsembleModel(std::move(members)), copies, whole_search());
  }
}

TEST_CASE("narrow beams of engine and modules carry the same attention", "[coverage]") {
  const at::NoGradGuard no_grad;
  const SourceBatch batch = dragoman_test::copying_batch();
  DecodingOptions options;
  options.beam_size = options.n_best = 4;
  options.max_length = 12;
  options.coverage_penalty = 1.5;
  double moved = 0.0;
  for (const std::uint64_t seed : {3, 4, 5}) {
    for (const auto stopping : {dragoman::EarlyStopping::heuristic, dragoman::EarlyStopping::exact,
                                dragoman::EarlyStopping::first}) {
      options.early_stopping = stopping;
      const auto network = dragoman_test::tiny_transformer(
          dragoman_test::tiny_config(dragoman_test::kCopyingWords), seed);
      const CpuModel engine(network, dragoman::engine::WeightType::fp32);
      const auto fast = dragoman::beam_search(engine, batch, {}, options);
      const auto slow = dragoman::beam_search(NativeModel(network), batch, {}, options);
      for (std::size_t sentence = 0; sentence < fast.size(); ++sentence) {
        REQUIRE(fast[sentence].size() == slow[sentence].size());
        for (std::size_t rank = 0; rank < fast[sentence].size(); ++rank) {
          CHECK(fast[sentence][rank].ids == slow[sentence][rank].ids);
          CHECK(std::abs(fast[sentence][rank].score - slow[sentence][rank].score) < 1e-4);
          moved = std::min(moved, fast[sentence][rank].coverage);
        }
      }
    }
  }
  CHECK(moved < -0.1);
}

TEST_CASE("a coverage penalty needs attention, and beams", "[coverage]") {
  DecodingOptions options;
  options.coverage_penalty = 0.2;
  const dragoman_test::TinyFile file;
  const dragoman::Translator translator(file.path(), {.threads = 1});
  CHECK_NOTHROW(translator.translate("two dogs", options));
  options.attention_layer = 7;
  CHECK_THROWS_AS(translator.translate("two dogs", options), dragoman::UsageError);
  options.attention_layer = 0;
  options.sample = true;
  CHECK_THROWS_WITH(translator.translate("two dogs", options),
                    Catch::Matchers::Contains("coverage_penalty"));
}
