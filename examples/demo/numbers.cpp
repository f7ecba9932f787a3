#include "examples/demo/numbers.h"

#include <array>
#include <string>

namespace demo {

namespace {

struct Named {
  std::string_view english;
  std::string_view german;
};

constexpr std::array<Named, 12> kMonths = {{{"January", "Januar"},
                                            {"February", "Februar"},
                                            {"March", "März"},
                                            {"April", "April"},
                                            {"May", "Mai"},
                                            {"June", "Juni"},
                                            {"July", "Juli"},
                                            {"August", "August"},
                                            {"September", "September"},
                                            {"October", "Oktober"},
                                            {"November", "November"},
                                            {"December", "Dezember"}}};
constexpr std::array<Named, 7> kWeekdays = {{{"Sunday", "Sonntag"},
                                             {"Monday", "Montag"},
                                             {"Tuesday", "Dienstag"},
                                             {"Wednesday", "Mittwoch"},
                                             {"Thursday", "Donnerstag"},
                                             {"Friday", "Freitag"},
                                             {"Saturday", "Samstag"}}};

std::string grouped(std::int64_t value, char separator) {
  std::string digits = std::to_string(value);
  for (auto place = static_cast<std::int64_t>(digits.size()) - 3; place > 0; place -= 3) {
    digits.insert(digits.begin() + place, separator);
  }
  return digits;
}

std::string written(std::int64_t value, int decimals, char separator, char point) {
  std::int64_t scale = 1;
  for (int digit = 0; digit < decimals; ++digit)
    scale *= 10;
  std::string text = grouped(value / scale, separator);
  if (decimals == 0) return text;
  const std::string fraction = std::to_string(scale + value % scale).substr(1);
  return text + point + fraction;
}

int days_in(const Date& date) {
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % 400 == 0);
  return date.month == 2 && leap ? 29 : kDays[static_cast<std::size_t>(date.month - 1)];
}

}  // namespace

Phrase number_phrase(std::int64_t value, int decimals) {
  return {written(value, decimals, ',', '.'), written(value, decimals, '.', ',')};
}

Phrase price(Chooser& chooser, std::int64_t least_cents, std::int64_t most_cents) {
  const Phrase amount = number_phrase(chooser.number(least_cents, most_cents), 2);
  return {"€" + amount.english, amount.german + " €"};
}

Date any_date(Chooser& chooser, std::int64_t first_year, std::int64_t last_year) {
  Date date{.year = chooser.number(first_year, last_year),
            .month = static_cast<int>(chooser.between(1, 12)),
            .day = 1};
  date.day = static_cast<int>(chooser.between(1, days_in(date)));
  return date;
}

Phrase day_and_month(const Date& date) {
  const Named& month = kMonths[static_cast<std::size_t>(date.month - 1)];
  const std::string day = std::to_string(date.day);
  return {std::string(month.english) + " " + day, day + ". " + std::string(month.german)};
}

Phrase full_date(const Date& date) {
  const Phrase day = day_and_month(date);
  const std::string year = std::to_string(date.year);
  return {day.english + ", " + year, day.german + " " + year};
}

// Zeller's congruence, with January and February as months 13 and 14 of the year before.
Phrase weekday(const Date& date) {
  const std::int64_t month = date.month < 3 ? date.month + 12 : date.month;
  const std::int64_t year = date.month < 3 ? date.year - 1 : date.year;
  const std::int64_t from_saturday =
      (date.day + 13 * (month + 1) / 5 + year + year / 4 - year / 100 + year / 400) % 7;
  const Named& name = kWeekdays[static_cast<std::size_t>((from_saturday + 6) % 7)];
  return {std::string(name.english), std::string(name.german)};
}

Phrase any_weekday(Chooser& chooser) {
  const Named& name = chooser.pick(kWeekdays);
  return {std::string(name.english), std::string(name.german)};
}

Phrase clock_time(Chooser& chooser) {
  const std::int64_t hour = chooser.between(0, 23);
  const std::string minutes = std::to_string(100 + 5 * chooser.between(0, 11)).substr(1);
  const std::int64_t english_hour = hour % 12 == 0 ? 12 : hour % 12;
  return {std::to_string(english_hour) + ":" + minutes + (hour < 12 ? " a.m." : " p.m."),
          std::to_string(hour) + ":" + minutes + " Uhr"};
}

}  // namespace demo
