#include "dragoman/inference/search/requirements.h"

#include <cmath>

#include "tests/support/catch.h"

using dragoman::Candidates;
using Ids = std::vector<std::int64_t>;

namespace {

constexpr std::int64_t kEnd = 3;

Candidates one_row(const Ids& ids, const std::vector<float>& log_probs,
                   const std::vector<float>& required) {
  return {static_cast<std::int64_t>(ids.size()), ids, log_probs, {required}};
}

}  // namespace

TEST_CASE("who would end says what is missing first, the most probable first", "[requirements]") {
  Candidates candidates = one_row({kEnd, 7, 8}, {-0.1f, -2.0f, -3.0f}, {-9.0f, -5.0f});
  dragoman::enforce(candidates, 0, Ids{50, 51}, 0, kEnd);
  CHECK(candidates.ids == Ids{51, 50, -1});
  CHECK(candidates.log_probs[0] == -5.0f);
}

TEST_CASE("while something is missing the end is no candidate", "[requirements]") {
  Candidates candidates = one_row({7, kEnd, 8}, {-0.1f, -2.0f, -3.0f}, {-9.0f});
  dragoman::enforce(candidates, 0, Ids{50}, 0, kEnd);
  CHECK(candidates.ids == Ids{7, 8, -1});
}

TEST_CASE("what was said is not said again, and then the end is free", "[requirements]") {
  Candidates candidates = one_row({50, kEnd, 8}, {-0.1f, -2.0f, -3.0f}, {-0.1f});
  const dragoman::SaidWords said = dragoman::add_said(0, Ids{50}, 50);
  CHECK(said == 1);
  CHECK(dragoman::add_said(said, Ids{50}, 8) == 1);
  dragoman::enforce(candidates, 0, Ids{50}, said, kEnd);
  CHECK(candidates.ids == Ids{kEnd, 8, -1});
}

TEST_CASE("what is forced is the only candidate, at a bounded cost", "[requirements]") {
  Candidates candidates = one_row({7, kEnd, 8}, {-0.1f, -2.0f, -3.0f}, {});
  dragoman::force(candidates, 0, 50, -4.0f);
  CHECK(candidates.ids == Ids{50, -1, -1});
  CHECK(candidates.log_probs[0] == -4.0f);
  dragoman::force(candidates, 0, 50, -INFINITY);
  CHECK(candidates.log_probs[0] == dragoman::kLeastForced);
}
