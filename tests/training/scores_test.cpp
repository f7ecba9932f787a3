#include "dragoman/training/scores.h"

#include <cmath>

#include "dragoman/training/retention.h"
#include "tests/support/catch.h"

namespace {

using dragoman::CheckpointRecord;
using dragoman::is_better;
using dragoman::Metric;
using Steps = std::vector<std::int64_t>;

CheckpointRecord record(std::int64_t step, double loss) {
  dragoman::DevelopmentScores scores;
  scores.loss = loss;
  return {.step = step, .is_interruption = false, .scores = scores};
}

}  // namespace

TEST_CASE("less is better for the loss, more for the rest, and NaN never", "[scores]") {
  CHECK(is_better(Metric::loss, 1.0, 2.0));
  CHECK_FALSE(is_better(Metric::loss, 2.0, 1.0));
  CHECK_FALSE(is_better(Metric::loss, 1.0, 1.0));
  CHECK(is_better(Metric::bleu, 2.0, 1.0));
  CHECK_FALSE(is_better(Metric::accuracy, 0.1, 0.2));
  CHECK_FALSE(is_better(Metric::chrf, NAN, 1.0));
  CHECK(is_better(Metric::chrf, 1.0, NAN));
}

TEST_CASE("each metric has its name and its figure", "[scores]") {
  dragoman::DevelopmentScores scores{.loss = 1.0, .perplexity = 0.0, .accuracy = 2.0};
  scores.bleu = 3.0;
  scores.chrf = 4.0;
  scores.rouge1 = 5.0;
  scores.rouge2 = 6.0;
  scores.rougeL = 7.0;
  double expected = 1.0;
  for (const auto& [name, metric] : names(Metric{})) {
    CHECK(dragoman::name(metric) == name);
    CHECK(score(scores, metric) == expected++);
    CHECK(dragoman::is_rouge(metric) == name.starts_with("rouge"));
  }
  CHECK_FALSE(score({}, Metric::rougeL));
}

TEST_CASE("patience counts validations since the best one", "[scores]") {
  dragoman::Patience patience(Metric::bleu, 2);
  CHECK(patience.add(10, 5.0));
  CHECK_FALSE(patience.add(20, 5.0));
  CHECK_FALSE(patience.is_exhausted());
  CHECK(patience.add(30, 6.0));
  CHECK_FALSE(patience.add(40, NAN));
  CHECK_FALSE(patience.add(50, 5.9));
  CHECK(patience.is_exhausted());
  CHECK(patience.best_step() == 30);
  CHECK(patience.best_score() == 6.0);

  dragoman::Patience restored(Metric::bleu, 2);
  restored.restore(30, 6.0, 1);
  CHECK_FALSE(restored.is_exhausted());
  CHECK_FALSE(restored.add(50, 5.9));
  CHECK(restored.is_exhausted());
}

TEST_CASE("patience 0 never ends a run", "[scores]") {
  dragoman::Patience patience(Metric::loss, 0);
  CHECK(patience.add(1, 1.0));
  for (std::int64_t step = 2; step < 100; ++step)
    CHECK_FALSE(patience.add(step, 2.0));
  CHECK_FALSE(patience.is_exhausted());
}

TEST_CASE("the last and the best checkpoints are kept", "[retention]") {
  const std::vector<CheckpointRecord> records = {
      record(1, 3.0), record(2, 1.0), record(3, 2.0),
      record(4, NAN), record(5, 4.0), {.step = 6, .is_interruption = false, .scores = {}}};
  CHECK(dragoman::kept_steps(records, Metric::loss, 2, 2) == Steps{2, 3, 5, 6});
  CHECK(dragoman::kept_steps(records, Metric::loss, 1, 0) == Steps{6});
  CHECK(dragoman::kept_steps(records, Metric::loss, 3, 1) == Steps{2, 4, 5, 6});
  CHECK(dragoman::kept_steps(records, Metric::bleu, 1, 5) == Steps{6});
  CHECK(dragoman::kept_steps({}, Metric::loss, 1, 1).empty());
  CHECK(dragoman::ranked_steps(records, Metric::loss) == Steps{2, 3, 1, 5});
}

TEST_CASE("of equal scores the earlier checkpoint ranks first", "[retention]") {
  CHECK(dragoman::ranked_steps({record(1, 2.0), record(2, 1.0), record(3, 1.0)}, Metric::loss) ==
        Steps{2, 3, 1});
}

TEST_CASE("a checkpoint of an interruption goes with the next one and is no last one",
          "[retention]") {
  std::vector<CheckpointRecord> records = {record(10, 3.0),
                                           {.step = 12, .is_interruption = true, .scores = {}}};
  CHECK(dragoman::kept_steps(records, Metric::loss, 2, 0) == Steps{10, 12});
  CHECK(dragoman::last_steps(records, 2) == Steps{10});
  records.push_back(record(20, 2.0));
  CHECK(dragoman::kept_steps(records, Metric::loss, 2, 0) == Steps{10, 20});
}
