#include "examples/demo/german.h"

#include <array>

namespace demo {

namespace {

using Endings = std::array<std::array<std::string_view, 4>, 4>;  // [m, f, n, plural][case]

constexpr Endings kDefiniteArticle = {{{"der", "den", "dem", "des"},
                                       {"die", "die", "der", "der"},
                                       {"das", "das", "dem", "des"},
                                       {"die", "die", "den", "der"}}};
constexpr Endings kThis = {{{"er", "en", "em", "es"},
                            {"e", "e", "er", "er"},
                            {"es", "es", "em", "es"},
                            {"e", "e", "en", "er"}}};
constexpr Endings kEin = {
    {{"", "en", "em", "es"}, {"e", "e", "er", "er"}, {"", "", "em", "es"}, {"e", "e", "en", "er"}}};
// Adjectives after der, after ein, and on their own.
constexpr Endings kWeak = {{{"e", "en", "en", "en"},
                            {"e", "e", "en", "en"},
                            {"e", "e", "en", "en"},
                            {"en", "en", "en", "en"}}};
constexpr Endings kMixed = {{{"er", "en", "en", "en"},
                             {"e", "e", "en", "en"},
                             {"es", "es", "en", "en"},
                             {"en", "en", "en", "en"}}};
constexpr Endings kStrong = {{{"er", "en", "em", "en"},
                              {"e", "e", "er", "er"},
                              {"es", "es", "em", "en"},
                              {"e", "e", "en", "er"}}};

std::string noun_form(const Noun& noun, bool plural, Case in_case) {
  if (plural) {
    std::string form(noun.plural);
    if (in_case == Case::dative && form.back() != 'n' && form.back() != 's') form += 'n';
    return form;
  }
  if (in_case == Case::genitive || (noun.weak && in_case != Case::nominative)) {
    return std::string(noun.genitive);
  }
  return std::string(noun.german);
}

struct Lead {
  std::string word;
  const Endings* adjective;
};

Lead lead_word(Article article, std::size_t row, std::size_t column, bool plural,
               std::string_view lead) {
  const auto with = [&](std::string_view stem, const Endings& endings) {
    return std::string(stem) + std::string(endings[row][column]);
  };
  switch (article) {
    case Article::definite:
      return {std::string(kDefiniteArticle[row][column]), &kWeak};
    case Article::this_one:
      return {with("dies", kThis), &kWeak};
    case Article::every:
      return {with("jed", kThis), &kWeak};
    case Article::indefinite:
      if (plural) return {"", &kStrong};
      return {with("ein", kEin), &kMixed};
    case Article::negative:
      return {with("kein", kEin), &kMixed};
    case Article::possessive:
      return {with(lead, kEin), &kMixed};
    case Article::some:
      return {with("einig", kThis), &kStrong};
    case Article::many:
      return {with("viel", kThis), &kStrong};
    case Article::none:
      break;
  }
  return {std::string(lead), &kStrong};
}

std::string_view by_person(Person person, std::string_view first, std::string_view third,
                           std::string_view plural) {
  if (person == Person::first_singular) return first;
  return person == Person::third_singular ? third : plural;
}

}  // namespace

std::string declined(const Noun& noun, bool plural, Article article, const Adjective* adjective,
                     Case in_case, std::string_view lead) {
  const std::size_t row = plural ? 3 : static_cast<std::size_t>(noun.gender);
  const auto column = static_cast<std::size_t>(in_case);
  const auto [word, endings] = lead_word(article, row, column, plural, lead);
  std::string text = word;
  if (!text.empty()) text += ' ';
  if (adjective != nullptr) {
    text += adjective->stem;
    text += (*endings)[row][column];
    text += ' ';
  }
  return text + noun_form(noun, plural, in_case);
}

std::string_view have(Person person) {
  return by_person(person, "habe", "hat", "haben");
}
std::string_view be(Person person) {
  return by_person(person, "bin", "ist", "sind");
}
std::string_view become(Person person) {
  return by_person(person, "werde", "wird", "werden");
}
std::string_view was(Person person) {
  return by_person(person, "war", "war", "waren");
}

std::string_view present(const GermanVerb& verb, Person person) {
  return by_person(person, verb.first, verb.third, verb.infinitive);
}

std::string infinitive(const GermanVerb& verb) {
  return std::string(verb.prefix) + std::string(verb.infinitive);
}

std::string zu_infinitive(const GermanVerb& verb) {
  if (verb.prefix.empty()) return "zu " + std::string(verb.infinitive);
  return std::string(verb.prefix) + "zu" + std::string(verb.infinitive);
}

}  // namespace demo
