#include "examples/demo/choices.h"

#include "examples/demo/numbers.h"

namespace demo {

namespace {

constexpr Modal kModals[] = {
    // the first three ask without "do"
    {"can", "can", "cannot", "cannot", "kann", "können"},
    {"must", "must", "do not have to", "does not have to", "muss", "müssen"},
    {"should", "should", "should not", "should not", "sollte", "sollten"},
    {"want to", "wants to", "do not want to", "does not want to", "will", "wollen"},
    {"may", "may", "may not", "may not", "darf", "dürfen"},
    {"would like to", "would like to", "would not like to", "would not like to", "möchte",
     "möchten"},
    {"could", "could", "could not", "could not", "konnte", "konnten", true},
    {"had to", "had to", "did not have to", "did not have to", "musste", "mussten", true},
    {"wanted to", "wanted to", "did not want to", "did not want to", "wollte", "wollten", true},
};
constexpr std::int64_t kModalsForQuestions = 3;

constexpr Words kPastTimes[] = {{"yesterday", "gestern"},
                                {"last week", "letzte Woche"},
                                {"last year", "letztes Jahr"},
                                {"two days ago", "vor zwei Tagen"},
                                {"three weeks ago", "vor drei Wochen"},
                                {"a month ago", "vor einem Monat"},
                                {"this morning", "heute Morgen"},
                                {"last night", "letzte Nacht"}};
constexpr Words kHabitTimes[] = {
    {"every day", "jeden Tag"},         {"every morning", "jeden Morgen"},
    {"every week", "jede Woche"},       {"on Mondays", "montags"},
    {"on Sundays", "sonntags"},         {"today", "heute"},
    {"at the weekend", "am Wochenende"}};
constexpr Words kFutureTimes[] = {{"tomorrow", "morgen"},
                                  {"next week", "nächste Woche"},
                                  {"next year", "nächstes Jahr"},
                                  {"tonight", "heute Abend"},
                                  {"tomorrow morning", "morgen früh"},
                                  {"the day after tomorrow", "übermorgen"},
                                  {"in three days", "in drei Tagen"},
                                  {"in two weeks", "in zwei Wochen"}};
constexpr Words kFrequencies[] = {{"often", "oft"},          {"always", "immer"},
                                  {"sometimes", "manchmal"}, {"rarely", "selten"},
                                  {"never", "nie"},          {"usually", "normalerweise"}};

void choose_tense(Chooser& chooser, Clause& clause) {
  constexpr Tense kTenses[] = {Tense::present, Tense::present,    Tense::past,  Tense::past,
                               Tense::past,    Tense::modal,      Tense::modal, Tense::future,
                               Tense::perfect, Tense::progressive};
  clause.tense = chooser.pick(kTenses);
  if (clause.tense == Tense::progressive && !clause.verb->frame.lasting)
    clause.tense = Tense::present;
  if (clause.tense == Tense::modal) clause.modal = &chooser.pick(kModals);
}

bool same_person(const Thing& first, const Thing& second) {
  return first.is_pronoun && second.is_pronoun && first.person == second.person &&
         first.english == second.english;
}

void choose_negation(Chooser& chooser, Clause& clause, int percent) {
  if (!chooser.chance(percent) || clause.tense == Tense::progressive) return;
  const bool plain_object = clause.object && !clause.object->is_pronoun && !clause.recipient &&
                            clause.verb->frame.preposition.empty();
  if (clause.object && !clause.object->is_definite && !clause.object->is_pronoun) {
    if (!plain_object || clause.tense == Tense::perfect) return;
    clause.object = no_thing(chooser, clause.verb->frame.object);
    clause.object_negates = true;
  }
  clause.is_negated = true;
}

void choose_time(Chooser& chooser, Clause& clause) {
  if (clause.tense == Tense::perfect || clause.tense == Tense::progressive) return;
  if (clause.tense == Tense::present && !clause.is_negated && chooser.chance(40)) {
    clause.frequency = phrase(chooser.pick(kFrequencies));
  } else if (chooser.chance(55)) {
    clause.time = time_for(chooser, when_of(clause));
  }
}

}  // namespace

Phrase phrase(const Words& words) {
  return {std::string(words.english), std::string(words.german)};
}

Phrase time_for(Chooser& chooser, When when) {
  if (when == When::habit) return phrase(chooser.pick(kHabitTimes));
  const auto draw = chooser.between(1, 10);
  if (draw <= 6) {
    return phrase(when == When::past ? chooser.pick(kPastTimes) : chooser.pick(kFutureTimes));
  }
  if (draw <= 8) {
    const Phrase day = any_weekday(chooser);
    return {"on " + day.english, "am " + day.german};
  }
  if (draw == 9) {
    const Phrase day = day_and_month(any_date(chooser, 1950, 2030));
    return {"on " + day.english, "am " + day.german};
  }
  const Phrase hour = clock_time(chooser);
  return {"at " + hour.english, "um " + hour.german};
}

When when_of(const Clause& clause) {
  if (clause.tense == Tense::past) return When::past;
  if (clause.tense == Tense::present) return When::habit;
  if (clause.tense == Tense::modal && clause.modal->is_past) return When::past;
  return When::future;
}

const Modal& modal_for_questions(Chooser& chooser) {
  return kModals[static_cast<std::size_t>(chooser.between(0, kModalsForQuestions - 1))];
}

void choose_object(Chooser& chooser, Clause& clause) {
  const Frame& frame = clause.verb->frame;
  do {
    clause.object = any_thing(chooser, frame.object, true);
  } while (same_person(clause.subject, *clause.object));
}

void choose_place(Chooser& chooser, Clause& clause, int percent) {
  if (!chooser.chance(percent)) return;
  if (chooser.chance(20)) {
    const std::string town = chooser.town();
    clause.place = {"in " + town, "in " + town};
  } else {
    const Place& place = chooser.pick(places());
    clause.place = {std::string(place.english), std::string(place.german)};
  }
}

void choose_direction(Chooser& chooser, Clause& clause) {
  const Place& place = chooser.pick(places());
  clause.direction = {std::string(place.english_to), std::string(place.german_to)};
}

void choose_predicate(Chooser& chooser, Clause& clause) {
  const auto draw = chooser.between(1, 100);
  if (draw <= 62) {
    clause.verb = &chooser.pick(transitive_verbs());
    choose_object(chooser, clause);
    choose_place(chooser, clause, clause.verb->frame.preposition.empty() ? 15 : 0);
  } else if (draw <= 75) {
    clause.verb = &chooser.pick(intransitive_verbs());
    choose_place(chooser, clause, 60);
  } else if (draw <= 85) {
    clause.verb = &chooser.pick(giving_verbs());
    do {
      clause.recipient = any_thing(chooser, kPerson, true);
    } while (same_person(clause.subject, *clause.recipient));
    clause.object = any_thing(chooser, clause.verb->frame.object, false);
  } else if (draw <= 93) {
    clause.verb = &chooser.pick(motion_verbs());
    choose_direction(chooser, clause);
  } else {
    clause.verb = &chooser.pick(travel_verbs());
    const std::string town = chooser.town();
    clause.direction = {"to " + town, "nach " + town};
  }
}

void settle_tense(Clause& clause) {
  const EnglishVerb& verb = clause.verb->english;
  const bool says_when = !clause.time.empty() || !clause.frequency.empty() || clause.is_negated;
  if (clause.tense == Tense::present && clause.subject.person != Person::third_singular &&
      verb.base == verb.past && !says_when) {
    clause.tense = Tense::past;
  }
}

Clause clause_of(Chooser& chooser, Thing subject) {
  Clause clause;
  clause.subject = std::move(subject);
  choose_predicate(chooser, clause);
  choose_tense(chooser, clause);
  choose_negation(chooser, clause, 12);
  choose_time(chooser, clause);
  settle_tense(clause);
  return clause;
}

Clause short_clause(Chooser& chooser, Thing subject, Negation negation) {
  Clause clause;
  clause.subject = std::move(subject);
  choose_predicate(chooser, clause);
  clause.place = {};
  constexpr Tense kTenses[] = {Tense::present, Tense::past, Tense::past, Tense::modal};
  clause.tense = chooser.pick(kTenses);
  if (clause.tense == Tense::modal) clause.modal = &chooser.pick(kModals);
  if (negation == Negation::allowed) choose_negation(chooser, clause, 12);
  if (chooser.chance(25)) clause.time = time_for(chooser, when_of(clause));
  settle_tense(clause);
  return clause;
}

Thing definite(Chooser& chooser, std::uint32_t kinds) {
  const Noun& noun = noun_of(chooser, kinds);
  return noun_phrase(noun,
                     {.plural = chooser.chance(25), .adjective = adjective_for(chooser, noun, 25)});
}

}  // namespace demo
