// Numbers, dates, times and references as each language writes them.
#pragma once

#include <cstdint>

#include "examples/demo/chooser.h"
#include "examples/demo/phrase.h"

namespace demo {

/// 12,400 and 12.400. `decimals` of the value's digits come after the point: 124950 with 2 is
/// 1,249.50.
[[nodiscard]] Phrase number_phrase(std::int64_t value, int decimals = 0);
/// "€1,249.50", "1.249,50 €"
[[nodiscard]] Phrase price(Chooser& chooser, std::int64_t least_cents, std::int64_t most_cents);

struct Date {
  std::int64_t year;
  int month;  ///< 1 to 12
  int day;
};
[[nodiscard]] Date any_date(Chooser& chooser, std::int64_t first_year, std::int64_t last_year);
/// "March 3, 2021", "3. März 2021"
[[nodiscard]] Phrase full_date(const Date& date);
/// "March 3", "3. März"
[[nodiscard]] Phrase day_and_month(const Date& date);
/// "Friday", "Freitag"
[[nodiscard]] Phrase weekday(const Date& date);
[[nodiscard]] Phrase any_weekday(Chooser& chooser);
/// "6:45 p.m.", "18:45 Uhr"
[[nodiscard]] Phrase clock_time(Chooser& chooser);

}  // namespace demo
