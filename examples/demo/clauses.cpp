#include "examples/demo/choices.h"
#include "examples/demo/sentences.h"

namespace demo {

namespace {

// Any thing that one can carry, as a plain accusative: buy, lose, throw away.
bool takes_thing(const Verb& verb) {
  return (verb.frame.object & kThing) != 0 && verb.frame.object_case == Case::accusative &&
         verb.frame.preposition.empty();
}

Thing relative_pronoun(const Thing& of, bool is_person) {
  Thing pronoun;
  pronoun.english = pronoun.english_object = is_person ? "who" : "that";
  pronoun.person = of.is_plural() ? Person::third_plural : Person::third_singular;
  pronoun.gender = of.gender;
  pronoun.is_pronoun = true;
  if (of.is_plural()) {
    pronoun.german = {"die", "die", "denen", "deren"};
  } else if (of.gender == Gender::masculine) {
    pronoun.german = {"der", "den", "dem", "dessen"};
  } else if (of.gender == Gender::feminine) {
    pronoun.german = {"die", "die", "der", "deren"};
  } else {
    pronoun.german = {"das", "das", "dem", "dessen"};
  }
  return pronoun;
}

}  // namespace

Phrase sentence(const Phrase& words, std::string_view stop) {
  std::string english = words.english;
  if (stop == "." && english.ends_with('.')) english.pop_back();  // "at 6 p.m."
  return {capitalized(english + std::string(stop)), capitalized(words.german + std::string(stop))};
}

Clause any_clause(Chooser& chooser) {
  return clause_of(chooser, any_subject(chooser));
}

Phrase plain(Chooser& chooser) {
  const Clause clause = any_clause(chooser);
  if (!clause.time.empty() && chooser.chance(35)) return sentence(statement_time_first(clause));
  return sentence(statement(clause));
}

Phrase asking(Chooser& chooser) {
  Clause clause = clause_of(chooser, any_subject(chooser));
  clause.is_negated = clause.object_negates = false;
  if (clause.tense == Tense::perfect) clause.tense = Tense::past;
  if (clause.tense == Tense::modal) clause.modal = &modal_for_questions(chooser);
  if (clause.object && clause.object->german[0].starts_with("kein")) choose_object(chooser, clause);
  clause.frequency = {};
  clause.time = {};
  constexpr Words kWords[] = {{"when", "wann"}, {"why", "warum"}, {"where", "wo"}};
  const auto draw = chooser.between(1, 10);
  if (draw <= 5) return sentence(question(clause), "?");
  const Words& word = kWords[static_cast<std::size_t>(chooser.between(0, 2))];
  if (word.english == "where") {
    if (!clause.direction.empty()) return sentence(question(clause), "?");
    clause.place = {};
  }
  return sentence(question(clause, phrase(word)), "?");
}

Phrase with_subordinate(Chooser& chooser) {
  constexpr Words kWords[] = {
      {"because", "weil"}, {"although", "obwohl"}, {"if", "wenn"}, {"before", "bevor"}};
  const Words& word = chooser.pick(kWords);
  const bool is_if = word.english == "if";
  const bool is_before = word.english == "before";
  Clause main = short_clause(chooser, any_subject(chooser));
  Clause other =
      short_clause(chooser, any_subject(chooser), is_before ? Negation::none : Negation::allowed);
  if (is_if || is_before) {
    main.tense = is_if ? Tense::future : Tense::past;
    other.tense = is_if ? Tense::present : Tense::past;
    main.time = other.time = {};
  }
  const Phrase inner = subordinate(other);
  if (chooser.chance(35)) {
    return sentence(
        {std::string(word.english) + " " + inner.english + ", " + statement(main).english,
         std::string(word.german) + " " + inner.german + ", " + german_verb_first(main)});
  }
  const Phrase outer = statement(main);
  return sentence({outer.english + " " + std::string(word.english) + " " + inner.english,
                   outer.german + ", " + std::string(word.german) + " " + inner.german});
}

Phrase reporting(Chooser& chooser) {
  struct Reporting {
    std::string_view base, third, past, first, third_german, plural, participle;
    Words link;
  };
  constexpr Words kThat = {"that", "dass"};
  constexpr Words kWhether = {"whether", "ob"};
  constexpr Reporting kVerbs[] = {
      {"say", "says", "said", "sage", "sagt", "sagen", "gesagt", kThat},
      {"think", "thinks", "thought", "glaube", "glaubt", "glauben", "geglaubt", kThat},
      {"hope", "hopes", "hoped", "hoffe", "hofft", "hoffen", "gehofft", kThat},
      {"know", "knows", "knew", "weiß", "weiß", "wissen", "gewusst", kThat},
      {"tell us", "tells us", "told us", "erzähle uns", "erzählt uns", "erzählen uns", "erzählt",
       kThat},
      {"ask", "asks", "asked", "frage", "fragt", "fragen", "gefragt", kWhether},
  };
  const Reporting& verb = chooser.pick(kVerbs);
  Thing who = any_subject(chooser);
  while (who.person == Person::first_plural)
    who = any_subject(chooser);  // not "we tell us"
  const Phrase inner = subordinate(short_clause(chooser, any_subject(chooser)));
  const bool is_past = chooser.chance(40);
  const bool third = who.person == Person::third_singular;
  std::string english(is_past ? verb.past : third ? verb.third : verb.base);
  std::string german(who.person == Person::first_singular ? verb.first
                     : third                              ? verb.third_german
                                                          : verb.plural);
  if (is_past) {
    const std::string_view us = verb.base.ends_with("us") ? "uns" : "";
    german = joined({have(who.person), us, verb.participle});
  }
  return sentence({joined({who.english, english, verb.link.english, inner.english}),
                   who.in(Case::nominative) + " " + german + ", " + std::string(verb.link.german) +
                       " " + inner.german});
}

Phrase coordinated(Chooser& chooser) {
  Clause first = short_clause(chooser, any_subject(chooser));
  if (chooser.chance(50)) {  // Anna buys the coat, but Peter sells it.
    do {
      first.verb = &chooser.pick(transitive_verbs());
    } while (!takes_thing(*first.verb));
    first.recipient.reset();
    first.direction = {};
    first.is_negated = first.object_negates = false;
    first.object = definite(chooser, kThing);
    first.tense = Tense::past;
    first.time = {};
    Clause second = first;
    do {
      second.verb = &chooser.pick(transitive_verbs());
    } while (!takes_thing(*second.verb) || second.verb == first.verb);
    second.subject = any_subject(chooser);
    second.object = pronoun_for(*first.object);
    const Phrase one = statement(first);
    const Phrase two = statement(second);
    return sentence({one.english + ", but " + two.english, one.german + ", aber " + two.german});
  }
  const Clause second = short_clause(chooser, any_subject(chooser));
  constexpr Words kWords[] = {{"and", "und"}, {"but", "aber"}};
  const Words& word = chooser.pick(kWords);
  const Phrase one = statement(first);
  const Phrase two = statement(second);
  const std::string_view comma = word.german == "und" ? "" : ",";
  return sentence(
      {one.english + ", " + std::string(word.english) + " " + two.english,
       one.german + std::string(comma) + " " + std::string(word.german) + " " + two.german});
}

Phrase with_purpose(Chooser& chooser) {
  Clause going;
  going.subject = any_subject(chooser);
  going.verb = &chooser.pick(motion_verbs());
  choose_direction(chooser, going);
  constexpr Tense kTenses[] = {Tense::present, Tense::past, Tense::future};
  going.tense = chooser.pick(kTenses);
  if (chooser.chance(30)) going.time = time_for(chooser, when_of(going));
  Clause purpose;
  purpose.subject = going.subject;
  purpose.verb = &chooser.pick(transitive_verbs());
  choose_object(chooser, purpose);
  const Phrase main = statement(going);
  const Phrase inner = infinitive_clause(purpose);
  return sentence({main.english + " " + inner.english, main.german + ", um " + inner.german});
}

Phrase relative_subject(Chooser& chooser) {
  const Thing person = definite(chooser, kPerson);
  const Clause inner = short_clause(chooser, relative_pronoun(person, true));
  const Phrase relative = subordinate(inner);
  const std::string german_relative = ", " + relative.german;
  if (chooser.chance(50)) {
    const std::string town = chooser.town();
    return sentence({joined({person.english, relative.english,
                             person.is_plural() ? "live in" : "lives in", town}),
                     person.in(Case::nominative) + german_relative +
                         (person.is_plural() ? ", wohnen in " : ", wohnt in ") + town});
  }
  const Thing who = any_subject(chooser);
  const bool third = who.person == Person::third_singular;
  constexpr GermanVerb kKnow = {"", "kennen", "kenne", "kennt", "gekannt"};
  return sentence(
      {joined({who.english, third ? "knows" : "know", person.english, relative.english}),
       joined({who.in(Case::nominative), present(kKnow, who.person), person.in(Case::accusative)}) +
           german_relative});
}

Phrase relative_object(Chooser& chooser) {
  Clause inner;
  inner.subject = any_subject(chooser);
  do {
    inner.verb = &chooser.pick(transitive_verbs());
  } while (inner.verb->frame.object_case == Case::dative ||
           !inner.verb->frame.preposition.empty() || (inner.verb->frame.object & kPerson) != 0);
  inner.tense = chooser.chance(60) ? Tense::past : Tense::present;
  const Noun& noun = noun_of(chooser, inner.verb->frame.object);
  const Thing thing = noun_phrase(noun, {.plural = chooser.chance(25)});
  const Adjective& adjective = *adjective_for(chooser, noun, 100);
  const Phrase relative = subordinate(inner);
  const Thing pronoun = relative_pronoun(thing, false);
  const bool was_so = chooser.chance(30);
  const std::string_view english_verb = was_so ? english_was(thing) : english_be(thing);
  const std::string_view german_verb = was_so ? was(thing.person) : be(thing.person);
  return sentence(
      {joined({thing.english, "that", relative.english, english_verb, adjective.english}),
       joined({thing.in(Case::nominative) + ",", pronoun.in(Case::accusative), relative.german}) +
           ", " + joined({german_verb, adjective.german})});
}

Phrase polite_command(Chooser& chooser) {
  Clause clause;
  do {
    clause = {};
    clause.subject = pronoun(Pronoun::you);
    choose_predicate(chooser, clause);
  } while (!clause.verb->frame.lasting);
  clause.place = {};
  const Phrase words = command(clause);
  if (chooser.chance(70)) return sentence({"please " + words.english, "bitte " + words.german});
  return sentence(words, "!");
}

Phrase liking(Chooser& chooser) {
  Clause clause;
  clause.subject = any_subject(chooser);
  clause.verb = &chooser.pick(intransitive_verbs());
  while (!clause.verb->frame.lasting)
    clause.verb = &chooser.pick(intransitive_verbs());
  choose_place(chooser, clause, 70);
  const bool third = clause.subject.person == Person::third_singular;
  const Phrase action = infinitive_clause(clause);
  const std::string place = clause.place.german;
  return sentence({joined({clause.subject.english, third ? "likes" : "like", action.english}),
                   joined({clause.subject.in(Case::nominative),
                           present(clause.verb->german, clause.subject.person), "gern", place,
                           clause.verb->german.prefix})});
}

}  // namespace demo
