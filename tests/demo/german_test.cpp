#include <string>

#include "examples/demo/clause.h"
#include "examples/demo/german.h"
#include "tests/support/catch.h"

namespace demo {

namespace {

const Noun& noun(std::string_view english) {
  for (const Noun& candidate : nouns()) {
    if (candidate.english == english) return candidate;
  }
  throw std::runtime_error("no such noun");
}

const Adjective& adjective(std::string_view english) {
  for (const Adjective& candidate : adjectives()) {
    if (candidate.english == english) return candidate;
  }
  throw std::runtime_error("no such adjective");
}

const Verb& verb(std::string_view infinitive_wanted) {
  for (const Verb& candidate : transitive_verbs()) {
    if (infinitive(candidate.german) == infinitive_wanted) return candidate;
  }
  throw std::runtime_error("no such verb");
}

struct Row {
  Article article;
  bool plural;
  std::string_view noun;
  std::string_view adjective;
  std::string_view nominative, accusative, dative, genitive;
};

}  // namespace

TEST_CASE("articles, adjectives and nouns are declined together", "[demo]") {
  const Row rows[] = {
      {Article::definite, false, "dog", "old", "der alte Hund", "den alten Hund", "dem alten Hund",
       "des alten Hundes"},
      {Article::indefinite, false, "dog", "old", "ein alter Hund", "einen alten Hund",
       "einem alten Hund", "eines alten Hundes"},
      {Article::indefinite, false, "lamp", "expensive", "eine teure Lampe", "eine teure Lampe",
       "einer teuren Lampe", "einer teuren Lampe"},
      {Article::indefinite, false, "house", "high", "ein hohes Haus", "ein hohes Haus",
       "einem hohen Haus", "eines hohen Hauses"},
      {Article::definite, false, "boy", "tired", "der müde Junge", "den müden Jungen",
       "dem müden Jungen", "des müden Jungen"},
      {Article::this_one, false, "book", "new", "dieses neue Buch", "dieses neue Buch",
       "diesem neuen Buch", "dieses neuen Buches"},
      {Article::definite, true, "child", "small", "die kleinen Kinder", "die kleinen Kinder",
       "den kleinen Kindern", "der kleinen Kinder"},
      {Article::indefinite, true, "car", "red", "rote Autos", "rote Autos", "roten Autos",
       "roter Autos"},
      {Article::negative, true, "apple", "fresh", "keine frischen Äpfel", "keine frischen Äpfel",
       "keinen frischen Äpfeln", "keiner frischen Äpfel"},
      {Article::many, true, "table", "heavy", "viele schwere Tische", "viele schwere Tische",
       "vielen schweren Tischen", "vieler schwerer Tische"},
  };
  for (const Row& row : rows) {
    const auto form = [&](Case in_case) {
      return declined(noun(row.noun), row.plural, row.article, &adjective(row.adjective), in_case);
    };
    CHECK(form(Case::nominative) == row.nominative);
    CHECK(form(Case::accusative) == row.accusative);
    CHECK(form(Case::dative) == row.dative);
    CHECK(form(Case::genitive) == row.genitive);
  }
  CHECK(declined(noun("neighbour"), false, Article::possessive, nullptr, Case::dative, "unser") ==
        "unserem Nachbarn");
  CHECK(declined(noun("bird"), true, Article::none, &adjective("black"), Case::dative, "drei") ==
        "drei schwarzen Vögeln");
}

TEST_CASE("a separable verb takes its prefix where the clause wants it", "[demo]") {
  Clause clause;
  clause.subject = pronoun(Pronoun::she);
  clause.verb = &verb("abholen");
  clause.object = noun_phrase(noun("guest"), {});
  CHECK(statement(clause).german == "sie holt den Gast ab");
  CHECK(statement(clause).english == "she picks up the guest");
  CHECK(subordinate(clause).german == "sie den Gast abholt");
  CHECK(question(clause).german == "holt sie den Gast ab");
  CHECK(question(clause).english == "does she pick up the guest");
  CHECK(infinitive_clause(clause).german == "den Gast abzuholen");
  clause.tense = Tense::past;
  CHECK(statement(clause).german == "sie hat den Gast abgeholt");
  CHECK(subordinate(clause).german == "sie den Gast abgeholt hat");
  clause.object = pronoun(Pronoun::he);
  CHECK(statement(clause).english == "she picked him up");
  CHECK(statement(clause).german == "sie hat ihn abgeholt");
}

TEST_CASE("time comes first with the subject behind the verb, and nicht before the end", "[demo]") {
  Clause clause;
  clause.subject = pronoun(Pronoun::we);
  clause.verb = &verb("kaufen");
  clause.object = noun_phrase(noun("coat"), {});
  clause.tense = Tense::past;
  clause.time = {"yesterday", "gestern"};
  CHECK(statement_time_first(clause).german == "gestern haben wir den Mantel gekauft");
  clause.is_negated = true;
  CHECK(statement(clause).german == "wir haben den Mantel gestern nicht gekauft");
  CHECK(statement(clause).english == "we did not buy the coat yesterday");
}

TEST_CASE("verbs ask for their case or preposition", "[demo]") {
  Clause clause;
  clause.subject = pronoun(Pronoun::i);
  clause.verb = &verb("helfen");
  clause.object = noun_phrase(noun("neighbour"), {});
  CHECK(statement(clause).german == "ich helfe dem Nachbarn");
  clause.verb = &verb("warten");
  CHECK(statement(clause).german == "ich warte auf den Nachbarn");
  CHECK(statement(clause).english == "I wait for the neighbour");
  clause.verb = &verb("folgen");
  clause.tense = Tense::past;
  CHECK(statement(clause).german == "ich bin dem Nachbarn gefolgt");
}

}  // namespace demo
