// Noun phrases in both languages at once.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "examples/demo/chooser.h"
#include "examples/demo/german.h"
#include "examples/demo/lexicon.h"

namespace demo {

/// Words that stand for each other: a time, a place.
struct Phrase {
  std::string english;
  std::string german;
  [[nodiscard]] bool empty() const { return english.empty(); }
};

/// Something that acts or is acted on.
struct Thing {
  std::string english;                ///< as a subject
  std::string english_object;         ///< him
  std::array<std::string, 4> german;  ///< by Case
  Person person = Person::third_singular;
  Gender gender = Gender::masculine;
  bool is_pronoun = false;
  bool is_definite = true;

  [[nodiscard]] bool is_plural() const {
    return person == Person::first_plural || person == Person::third_plural;
  }
  [[nodiscard]] const std::string& in(Case in_case) const {
    return german[static_cast<std::size_t>(in_case)];
  }
};

struct NounShape {
  bool plural = false;
  Article article = Article::definite;
  const Adjective* adjective = nullptr;
  std::string_view english_lead = {};  ///< "my", "two", "Anna's"; with Article::possessive and none
  std::string_view german_lead = {};   ///< "mein", "zwei", "Annas"
};

[[nodiscard]] Thing noun_phrase(const Noun& noun, const NounShape& shape);

enum class Pronoun { i, he, she, we, they, you };
[[nodiscard]] Thing pronoun(Pronoun which);
/// it, they: what takes the place of a thing.
[[nodiscard]] Thing pronoun_for(const Thing& thing);

/// A name: Anna, Peter Keller, Mr. Keller.
[[nodiscard]] Thing person_name(Chooser& chooser);
/// A first name that takes -s in the genitive.
[[nodiscard]] FirstName owner_name(Chooser& chooser);

/// A noun of one of the kinds.
[[nodiscard]] const Noun& noun_of(Chooser& chooser, std::uint32_t kinds);
/// An adjective for the noun, or null.
[[nodiscard]] const Adjective* adjective_for(Chooser& chooser, const Noun& noun, int percent);

/// Any phrase for a person as a subject: pronoun, name or noun.
[[nodiscard]] Thing any_subject(Chooser& chooser);
/// Any noun phrase of the kinds; persons may be names or pronouns when `allow_pronoun`.
[[nodiscard]] Thing any_thing(Chooser& chooser, std::uint32_t kinds, bool allow_pronoun);
/// What is denied, after an English "not": "a book", "any books"; "kein Buch", "keine Bücher".
[[nodiscard]] Thing no_thing(Chooser& chooser, std::uint32_t kinds);

[[nodiscard]] std::string with_article(std::string_view word);  ///< "a car", "an old car"
[[nodiscard]] std::string capitalized(std::string text);
/// Joins what is not empty with spaces.
[[nodiscard]] std::string joined(std::initializer_list<std::string_view> parts);

}  // namespace demo
