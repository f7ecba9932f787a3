#include "dragoman/inference/models/ensemble_model.h"

#include <cmath>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/search/beam_search.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/fake_model.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"

using dragoman::EnsembleModel;
using dragoman::Ensembling;
using dragoman_test::FakeModel;
using dragoman_test::Tokens;

namespace {

FakeModel::Rule other_rule(std::int64_t vocabulary) {
  return [rule = dragoman_test::random_rule(vocabulary)](Tokens source, const Tokens& prefix) {
    source.push_back(9);
    return rule(source, prefix);
  };
}

EnsembleModel of_two(const FakeModel::Rule& one, const FakeModel::Rule& other,
                     const dragoman::EnsembleOptions& options) {
  std::vector<std::unique_ptr<dragoman::StepModel>> models;
  models.push_back(std::make_unique<FakeModel>(8, one));
  models.push_back(std::make_unique<FakeModel>(8, other));
  return EnsembleModel(std::move(models), options);
}

std::unique_ptr<dragoman::NativeModel> native(bool copies, std::uint64_t seed) {
  return std::make_unique<dragoman::NativeModel>(dragoman_test::tiny_transformer(
      copies ? dragoman_test::copying_config(dragoman_test::kCopyingWords)
             : dragoman_test::tiny_config(dragoman_test::kCopyingWords),
      seed));
}

}  // namespace

TEST_CASE("an ensemble searches as one model with the mean of the probabilities would",
          "[ensemble]") {
  const auto one = dragoman_test::random_rule(8);
  const auto other = other_rule(8);
  const std::vector<double> weights = {3.0, 1.0};
  const dragoman::SourceBatch batch = dragoman_test::batch_of({{4, 5, 3}, {6, 3}, {7, 7, 4, 3}});
  dragoman::DecodingOptions options;
  options.max_length = 8;
  options.n_best = 4;
  for (const Ensembling ensembling : {Ensembling::linear, Ensembling::log_linear}) {
    const FakeModel mixed(8, [&](const Tokens& source, const Tokens& prefix) {
      const std::vector<double> a = one(source, prefix);
      const std::vector<double> b = other(source, prefix);
      std::vector<double> mixture;
      double sum = 0.0;
      for (std::size_t word = 0; word < a.size(); ++word) {
        mixture.push_back(ensembling == Ensembling::linear
                              ? 0.75 * a[word] + 0.25 * b[word]
                              : std::pow(a[word], 0.75) * std::pow(b[word], 0.25));
        sum += mixture.back();
      }
      for (double& probability : mixture)
        probability /= sum;
      return mixture;
    });
    const EnsembleModel ensemble = of_two(one, other, {ensembling, weights});
    const auto found = beam_search(ensemble, batch, {}, options);
    const auto expected = beam_search(mixed, batch, {}, options);
    for (std::size_t sentence = 0; sentence < expected.size(); ++sentence)
      for (std::size_t rank = 0; rank < expected[sentence].size(); ++rank) {
        REQUIRE(found[sentence][rank].ids == expected[sentence][rank].ids);
        CHECK(found[sentence][rank].score == Approx(expected[sentence][rank].score).epsilon(1e-5));
      }
  }
}

TEST_CASE("models that copy and a plain one search and score alike", "[ensemble]") {
  const dragoman::SourceBatch batch = dragoman_test::copying_batch();
  dragoman::DecodingOptions options;
  options.max_length = 12;
  bool any_extra = false;
  for (const Ensembling ensembling : {Ensembling::linear, Ensembling::log_linear}) {
    std::vector<std::unique_ptr<dragoman::StepModel>> models;
    models.push_back(native(true, 5));
    models.push_back(native(true, 6));
    // A plain model excludes extra words: their geometric mean is 0.
    if (ensembling == Ensembling::linear) models.push_back(native(false, 7));
    const EnsembleModel ensemble(std::move(models), {ensembling, {}});
    REQUIRE(ensemble.copies());
    const auto found = beam_search(ensemble, batch, {}, options);
    const auto [input, output] = dragoman_test::as_targets(found);
    const dragoman::TokenScores scores = ensemble.score(batch, input, output);
    for (std::size_t row = 0; row < found.size(); ++row) {
      const dragoman::IdHypothesis& hypothesis = found[row].front();
      const auto at_row = static_cast<std::int64_t>(row);
      for (std::int64_t place = 0; place < std::ssize(hypothesis.token_scores); ++place) {
        CHECK(scores.log_probs[at_row][place].item<double>() ==
              Approx(hypothesis.token_scores[static_cast<std::size_t>(place)]).margin(1e-4));
        const auto copied = scores.copied[at_row][place].item<double>();
        CHECK((copied >= 0.0 && copied <= 1.0 + 1e-5));
        const bool is_extra =
            output[at_row][place].item<std::int64_t>() >= ensemble.vocabulary_size();
        any_extra = any_extra || is_extra;
        if (!is_extra) continue;
        CHECK(copied == Approx(1.0));  // nothing else can say it
        CHECK(batch.copy_ids[at_row][scores.positions[at_row][place].item<std::int64_t>()]
                  .item<std::int64_t>() == output[at_row][place].item<std::int64_t>());
      }
    }
  }
  CHECK(any_extra);
}

TEST_CASE("an ensemble refuses what cannot decide together", "[ensemble]") {
  CHECK_THROWS_AS(EnsembleModel({}), dragoman::UsageError);
  const auto rule = dragoman_test::random_rule(8);
  CHECK_THROWS_AS(of_two(rule, rule, {Ensembling::linear, {1.0}}), dragoman::UsageError);
  CHECK_THROWS_AS(of_two(rule, rule, {Ensembling::linear, {1.0, 0.0}}), dragoman::UsageError);
  std::vector<std::unique_ptr<dragoman::StepModel>> models;
  models.push_back(std::make_unique<FakeModel>(8, rule));
  models.push_back(std::make_unique<FakeModel>(9, dragoman_test::random_rule(9)));
  CHECK_THROWS_AS(EnsembleModel(std::move(models)), dragoman::UsageError);
}
