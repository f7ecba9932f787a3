#include "examples/demo/clause.h"

namespace demo {

namespace {

bool is_third(const Thing& subject) {
  return subject.person == Person::third_singular;
}

struct EnglishVerbWords {
  std::string finite;  ///< auxiliary, empty where the verb itself is finite
  std::string rest;
};

EnglishVerbWords english_verb(const Clause& clause, bool needs_auxiliary) {
  const EnglishVerb& verb = clause.verb->english;
  const bool third = is_third(clause.subject);
  const std::string base(verb.base);
  switch (clause.tense) {
    case Tense::present:
      if (needs_auxiliary) return {third ? "does" : "do", base};
      return {"", std::string(third ? verb.third : verb.base)};
    case Tense::past:
      if (needs_auxiliary) return {"did", base};
      return {"", std::string(verb.past)};
    case Tense::progressive:
      return {std::string(english_be(clause.subject)), std::string(verb.gerund)};
    case Tense::perfect:
      return {third ? "has" : "have", std::string(verb.participle)};
    case Tense::future:
      return {"will", base};
    case Tense::modal:
      break;
  }
  const Modal& modal = *clause.modal;
  if (clause.is_negated) {
    return {std::string(third ? modal.english_negative_third : modal.english_negative), base};
  }
  return {std::string(third ? modal.english_third : modal.english), base};
}

// What follows the English verb.
std::string english_complements(const Clause& clause) {
  const Frame& frame = clause.verb->frame;
  std::string text;
  if (clause.recipient) text = joined({text, clause.recipient->english_object});
  if (clause.object && frame.movable && clause.object->is_pronoun) {
    text = joined({text, clause.object->english_object, frame.particle});
  } else {
    text = joined({text, frame.particle, clause.object ? clause.object->english_object : ""});
  }
  text = joined({text, clause.direction.english, clause.place.english});
  if (clause.tense == Tense::perfect && clause.is_negated) text = joined({text, "yet"});
  return joined({text, clause.time.english});
}

std::string english_statement(const Clause& clause) {
  const auto [finite, rest] = english_verb(clause, clause.is_negated);
  const bool says_not = clause.is_negated && clause.tense != Tense::modal;
  const bool already = clause.tense == Tense::perfect && !clause.is_negated;
  return joined({clause.subject.english, finite, says_not ? "not" : "", already ? "already" : "",
                 clause.frequency.english, rest, english_complements(clause)});
}

// The German verb: what agrees with the subject, and what waits at the end of the clause.
struct GermanVerbWords {
  std::string finite;
  std::string tail;
};

GermanVerbWords german_verb(const Clause& clause) {
  const GermanVerb& verb = clause.verb->german;
  const Person person = clause.subject.person;
  switch (clause.tense) {
    case Tense::present:
    case Tense::progressive:
      return {std::string(present(verb, person)), std::string(verb.prefix)};
    case Tense::past:
    case Tense::perfect:
      return {std::string(clause.verb->frame.with_sein ? be(person) : have(person)),
              std::string(verb.participle)};
    case Tense::future:
      return {std::string(become(person)), infinitive(verb)};
    case Tense::modal:
      break;
  }
  const bool singular = person == Person::first_singular || person == Person::third_singular;
  return {std::string(singular ? clause.modal->german_singular : clause.modal->german_plural),
          infinitive(verb)};
}

// Everything between the finite verb (and a subject behind it) and the end of the verb.
std::string german_middle(const Clause& clause) {
  const Frame& frame = clause.verb->frame;
  const bool with_preposition = !frame.preposition.empty();
  std::string pronouns;
  std::string object;
  std::string object_after_not;
  if (clause.object) {
    const std::string& words = clause.object->in(frame.object_case);
    if (with_preposition) {
      object_after_not = joined({frame.preposition, words});
    } else if (clause.object->is_pronoun) {
      pronouns = words;
    } else {
      object = words;
    }
  }
  std::string recipient;
  if (clause.recipient) {
    std::string& slot = clause.recipient->is_pronoun ? pronouns : recipient;
    slot = joined({slot, clause.recipient->in(Case::dative)});
  }
  std::string_view negation = clause.is_negated ? "nicht" : "";
  std::string_view particle;
  if (clause.tense == Tense::progressive) particle = "gerade";
  if (clause.tense == Tense::perfect) {
    particle = clause.is_negated ? "" : "schon";
    if (clause.is_negated) negation = "noch nicht";
  }
  if (clause.object_negates) negation = {};
  const std::string times = joined({clause.time.german, particle, clause.frequency.german});
  // What is known comes before the time, "nicht" and "schon": "kauft das Auto heute nicht".
  const std::string objects = joined({recipient, object});
  const bool is_known = !clause.object || clause.object->is_definite;
  const bool known_first = is_known && (clause.is_negated || clause.tense == Tense::perfect);
  const std::string both = known_first ? joined({objects, times}) : joined({times, objects});
  return joined(
      {pronouns, both, negation, object_after_not, clause.place.german, clause.direction.german});
}

}  // namespace

std::string_view english_be(const Thing& subject) {
  if (subject.person == Person::first_singular) return "am";
  return is_third(subject) ? "is" : "are";
}

std::string_view english_was(const Thing& subject) {
  return is_third(subject) || subject.person == Person::first_singular ? "was" : "were";
}

Phrase statement(const Clause& clause) {
  const auto [finite, tail] = german_verb(clause);
  return {english_statement(clause),
          joined({clause.subject.in(Case::nominative), finite, german_middle(clause), tail})};
}

Phrase statement_time_first(Clause clause) {
  const Phrase time = clause.time;
  clause.time = {};
  return {time.english + ", " + english_statement(clause),
          joined({time.german, german_verb_first(clause)})};
}

Phrase question(const Clause& clause, const Phrase& word) {
  const auto [finite, rest] = english_verb(clause, true);
  return {joined({word.english, finite, clause.subject.english, clause.frequency.english, rest,
                  english_complements(clause)}),
          joined({word.german, german_verb_first(clause)})};
}

Phrase subordinate(const Clause& clause) {
  auto [finite, tail] = german_verb(clause);
  const bool is_one_word = clause.tense == Tense::present || clause.tense == Tense::progressive;
  const std::string verbs = is_one_word ? tail + finite : joined({tail, finite});
  return {english_statement(clause),
          joined({clause.subject.in(Case::nominative), german_middle(clause), verbs})};
}

Phrase infinitive_clause(const Clause& clause) {
  return {joined({"to", clause.verb->english.base, english_complements(clause)}),
          joined({german_middle(clause), zu_infinitive(clause.verb->german)})};
}

std::string german_verb_first(const Clause& clause) {
  const auto [finite, tail] = german_verb(clause);
  return joined({finite, clause.subject.in(Case::nominative), german_middle(clause), tail});
}

Phrase command(const Clause& clause) {
  return {joined({clause.verb->english.base, english_complements(clause)}),
          german_verb_first(clause)};
}

}  // namespace demo
