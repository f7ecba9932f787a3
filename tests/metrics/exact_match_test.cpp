#include "dragoman/data/metrics/exact_match.h"

#include <stdexcept>

#include "tests/support/catch.h"

using Lines = std::vector<std::string>;
using Sets = std::vector<Lines>;

TEST_CASE("lines match when only whitespace differs") {
  const Lines lines{"if x :", " a\tb  c ", "return", ""};
  CHECK(dragoman::corpus_exact_match(lines, Sets{{"if x :", "a b c", "Return", ""}}) == 75.0);
  CHECK(dragoman::corpus_exact_match(lines, Sets{{"ifx :", "a b", "Return", "x"}}) == 0.0);
}

TEST_CASE("one of several references suffices for an exact match") {
  CHECK(dragoman::corpus_exact_match({"a", "b"}, Sets{{"x", "b"}, {"a", "y"}}) == 100.0);
  CHECK_THROWS_AS(dragoman::corpus_exact_match({"a"}, Sets{{"a", "b"}}), std::invalid_argument);
}
