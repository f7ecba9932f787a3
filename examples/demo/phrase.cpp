#include "examples/demo/phrase.h"

#include <initializer_list>

namespace demo {

namespace {

struct Owner {
  std::string_view english;
  std::string_view german;
};
constexpr Owner kOwners[] = {{"my", "mein"},   {"his", "sein"},  {"her", "ihr"},
                             {"our", "unser"}, {"their", "ihr"}, {"your", "Ihr"}};
constexpr Owner kSmallNumbers[] = {{"two", "zwei"},    {"three", "drei"}, {"four", "vier"},
                                   {"five", "fünf"},   {"six", "sechs"},  {"seven", "sieben"},
                                   {"eight", "acht"},  {"nine", "neun"},  {"ten", "zehn"},
                                   {"twelve", "zwölf"}};

std::string english_phrase(const Noun& noun, const NounShape& shape) {
  const std::string_view head = shape.plural ? noun.english_plural : noun.english;
  const std::string_view adjective = shape.adjective == nullptr ? "" : shape.adjective->english;
  const std::string words = joined({adjective, head});
  switch (shape.article) {
    case Article::definite:
      return "the " + words;
    case Article::this_one:
      return (shape.plural ? "these " : "this ") + words;
    case Article::every:
      return "every " + words;
    case Article::indefinite:
      return shape.plural ? words : with_article(words);
    case Article::negative:
      return shape.plural ? "any " + words : with_article(words);
    case Article::some:
      return "some " + words;
    case Article::many:
      return "many " + words;
    case Article::possessive:
    case Article::none:
      break;
  }
  return joined({shape.english_lead, words});
}

Thing common_noun(Chooser& chooser, std::uint32_t kinds) {
  const Noun& noun = noun_of(chooser, kinds);
  NounShape shape{.adjective = adjective_for(chooser, noun, 45)};
  std::string english_lead;
  std::string german_lead;
  const auto draw = chooser.between(1, 100);
  if (draw <= 34) {
    shape.plural = chooser.chance(25);
  } else if (draw <= 56) {
    shape.article = Article::indefinite;
    shape.plural = chooser.chance(20);
  } else if (draw <= 70) {
    const Owner& owner = chooser.pick(kOwners);
    shape.article = Article::possessive;
    shape.plural = chooser.chance(20);
    english_lead = owner.english;
    german_lead = owner.german;
  } else if (draw <= 77) {
    shape.article = Article::this_one;
    shape.plural = chooser.chance(30);
  } else if (draw <= 84) {
    const FirstName owner = owner_name(chooser);
    shape.article = Article::none;
    shape.plural = chooser.chance(15);
    english_lead = owner.text + "'s";
    german_lead = owner.text + "s";
  } else if (draw <= 92) {
    const Owner& number = chooser.pick(kSmallNumbers);
    shape.article = Article::none;
    shape.plural = true;
    english_lead = number.english;
    german_lead = number.german;
  } else {
    shape.article = chooser.chance(50) ? Article::some : Article::many;
    shape.plural = true;
  }
  shape.english_lead = english_lead;
  shape.german_lead = german_lead;
  return noun_phrase(noun, shape);
}

}  // namespace

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts) {
    if (part.empty()) continue;
    if (!text.empty()) text += ' ';
    text += part;
  }
  return text;
}

std::string with_article(std::string_view word) {
  const bool vowel = std::string_view("aeiou").find(word.front()) != std::string_view::npos;
  return (vowel ? "an " : "a ") + std::string(word);
}

std::string capitalized(std::string text) {
  if (text.starts_with("ü")) return "Ü" + text.substr(2);
  if (text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 32);
  return text;
}

Thing noun_phrase(const Noun& noun, const NounShape& shape) {
  Thing thing;
  thing.english = english_phrase(noun, shape);
  thing.english_object = thing.english;
  for (const auto in_case : {Case::nominative, Case::accusative, Case::dative, Case::genitive}) {
    thing.german[static_cast<std::size_t>(in_case)] =
        declined(noun, shape.plural, shape.article, shape.adjective, in_case, shape.german_lead);
  }
  thing.person = shape.plural ? Person::third_plural : Person::third_singular;
  thing.gender = noun.gender;
  thing.is_definite =
      shape.article == Article::definite || shape.article == Article::this_one ||
      shape.article == Article::possessive ||
      (shape.article == Article::none && shape.german_lead.ends_with('s') && !shape.plural);
  return thing;
}

Thing pronoun(Pronoun which) {
  const auto make = [](std::string english, std::string object, std::array<std::string, 4> german,
                       Person person, Gender gender = Gender::masculine) {
    Thing thing;
    thing.english = std::move(english);
    thing.english_object = std::move(object);
    thing.german = std::move(german);
    thing.person = person;
    thing.gender = gender;
    thing.is_pronoun = true;
    return thing;
  };
  switch (which) {
    case Pronoun::i:
      return make("I", "me", {"ich", "mich", "mir", ""}, Person::first_singular);
    case Pronoun::he:
      return make("he", "him", {"er", "ihn", "ihm", ""}, Person::third_singular);
    case Pronoun::she:
      return make("she", "her", {"sie", "sie", "ihr", ""}, Person::third_singular,
                  Gender::feminine);
    case Pronoun::we:
      return make("we", "us", {"wir", "uns", "uns", ""}, Person::first_plural);
    case Pronoun::they:
      return make("they", "them", {"sie", "sie", "ihnen", ""}, Person::third_plural);
    case Pronoun::you:
      break;
  }
  return make("you", "you", {"Sie", "Sie", "Ihnen", ""}, Person::polite);
}

Thing pronoun_for(const Thing& thing) {
  if (thing.is_plural()) return pronoun(Pronoun::they);
  Thing it = pronoun(thing.gender == Gender::feminine ? Pronoun::she : Pronoun::he);
  if (thing.gender == Gender::neuter) it.german = {"es", "es", "ihm", ""};
  it.english = it.english_object = "it";
  return it;
}

FirstName owner_name(Chooser& chooser) {
  for (;;) {
    FirstName name = chooser.first_name();
    if (name.text.find_last_of("sxz") != name.text.size() - 1) return name;
  }
}

Thing person_name(Chooser& chooser) {
  Thing thing;
  const auto kind = chooser.between(1, 10);
  const FirstName first = chooser.first_name();
  std::string german;
  std::string german_object;
  if (kind <= 5) {
    thing.english = german = german_object = first.text;
  } else if (kind <= 7) {
    thing.english = german = german_object = first.text + " " + chooser.surname();
  } else if (kind <= 9) {
    const std::string surname = chooser.surname();
    thing.english = (first.is_female ? "Mrs. " : "Mr. ") + surname;
    german = (first.is_female ? "Frau " : "Herr ") + surname;
    german_object = (first.is_female ? "Frau " : "Herrn ") + surname;
  } else {
    thing.english = german = german_object = "Dr. " + chooser.surname();
  }
  thing.english_object = thing.english;
  thing.german = {german, german_object, german_object, ""};
  thing.gender = first.is_female ? Gender::feminine : Gender::masculine;
  return thing;
}

const Noun& noun_of(Chooser& chooser, std::uint32_t kinds) {
  for (;;) {
    const Noun& noun = chooser.pick(nouns());
    if ((noun.kinds & kinds) != 0) return noun;
  }
}

const Adjective* adjective_for(Chooser& chooser, const Noun& noun, int percent) {
  if (!chooser.chance(percent)) return nullptr;
  for (;;) {
    const Adjective& adjective = chooser.pick(adjectives());
    if ((adjective.kinds & noun.kinds) != 0) return &adjective;
  }
}

Thing any_subject(Chooser& chooser) {
  const auto draw = chooser.between(1, 100);
  if (draw <= 30) {
    constexpr Pronoun kAll[] = {Pronoun::i,  Pronoun::he,   Pronoun::she,
                                Pronoun::we, Pronoun::they, Pronoun::you};
    return pronoun(chooser.pick(kAll));
  }
  if (draw <= 55) return person_name(chooser);
  if (draw <= 60) {
    const Thing first = person_name(chooser);
    Thing both = person_name(chooser);
    both.english = both.english_object = first.english + " and " + both.english;
    for (std::size_t column = 0; column < 3; ++column) {
      both.german[column] = first.german[column] + " und " + both.german[column];
    }
    both.person = Person::third_plural;
    return both;
  }
  return common_noun(chooser, kPerson);
}

Thing any_thing(Chooser& chooser, std::uint32_t kinds, bool allow_pronoun) {
  if ((kinds & kPerson) != 0) {
    const auto draw = chooser.between(1, 100);
    if (allow_pronoun && draw <= 25) {
      constexpr Pronoun kAll[] = {Pronoun::i, Pronoun::he, Pronoun::she, Pronoun::we,
                                  Pronoun::they};
      return pronoun(chooser.pick(kAll));
    }
    if (draw <= 50) return person_name(chooser);
  }
  return common_noun(chooser, kinds);
}

Thing no_thing(Chooser& chooser, std::uint32_t kinds) {
  const Noun& noun = noun_of(chooser, kinds);
  Thing thing = noun_phrase(noun, {.plural = chooser.chance(30),
                                   .article = Article::negative,
                                   .adjective = adjective_for(chooser, noun, 30)});
  thing.is_definite = false;
  return thing;
}

}  // namespace demo
