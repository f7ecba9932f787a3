#include "examples/demo/numbers.h"

#include "tests/support/catch.h"

namespace demo {

TEST_CASE("numbers are written as each language does", "[demo]") {
  CHECK(number_phrase(7).german == "7");
  CHECK(number_phrase(12400).english == "12,400");
  CHECK(number_phrase(12400).german == "12.400");
  CHECK(number_phrase(124950, 2).english == "1,249.50");
  CHECK(number_phrase(124950, 2).german == "1.249,50");
  CHECK(number_phrase(34, 1).german == "3,4");
  CHECK(number_phrase(1005, 2).german == "10,05");
}

TEST_CASE("dates name the day that the calendar has", "[demo]") {
  const Date date{.year = 2024, .month = 2, .day = 29};
  CHECK(full_date(date).english == "February 29, 2024");
  CHECK(full_date(date).german == "29. Februar 2024");
  CHECK(weekday(date).german == "Donnerstag");
  CHECK(weekday({.year = 1900, .month = 1, .day = 1}).english == "Monday");
  CHECK(weekday({.year = 2000, .month = 12, .day = 31}).german == "Sonntag");
}

TEST_CASE("times of day lose a.m. and p.m. in German", "[demo]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Chooser chooser(dragoman::Random{seed}, Part::seen);
    const Phrase time = clock_time(chooser);
    const int english_hour = std::stoi(time.english);
    const int german_hour = std::stoi(time.german);
    INFO(time.english << " / " << time.german);
    CHECK(english_hour % 12 == german_hour % 12);
    CHECK((time.english.ends_with("p.m.")) == (german_hour >= 12));
    CHECK(time.german.ends_with(" Uhr"));
  }
}

}  // namespace demo
