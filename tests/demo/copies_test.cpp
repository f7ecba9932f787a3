#include "examples/demo/copies.h"

#include "tests/support/catch.h"

namespace demo {

TEST_CASE("a word is copied when the reference's token with it stands in the output", "[demo]") {
  const std::string reference = "Anna wohnt in der Bulkstraße 4171, nicht in 木さく.";
  CHECK(is_copied("Bulk", reference, "Die Bulkstraße."));
  CHECK(is_copied("4171", reference, "Anna 4171!"));
  CHECK(is_copied("木さく", reference, "Nicht 木さく?"));
  CHECK(!is_copied("Bulk", reference, "Bulk straße 4171"));
  CHECK(!is_copied("4171", reference, "Haus 41711"));
  CHECK(!is_copied("4171", reference, "Haus 41 71"));
  CHECK(!is_copied("木さく", reference, "in 木さ"));
  CHECK(!is_copied("Anna", reference, ""));
}

TEST_CASE("copied spans are marked by the numbers that they have in the output", "[demo]") {
  const std::vector<CharacterRange> ranges = {{8, 11}, {0, 4}};
  CHECK(marked("Anna aß 木さく.", ranges) == "[2 Anna] aß [1 木さく].");
  CHECK(marked("木さく", std::vector<CharacterRange>{{0, 3}, {1, 2}}) == "[1 木さく]");
  CHECK(marked("nichts", {}) == "nichts");
}

TEST_CASE("lines are parted at every separator", "[demo]") {
  CHECK(parts("name\tBulk\t", '\t') == std::vector<std::string>{"name", "Bulk", ""});
  CHECK(parts("", '\t') == std::vector<std::string>{""});
}

}  // namespace demo
