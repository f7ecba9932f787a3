#include <array>

#include "examples/demo/choices.h"
#include "examples/demo/sentences.h"

namespace demo {

namespace {

struct Job {
  std::string_view english, man, woman;
};
constexpr Job kJobs[] = {{"doctor", "Arzt", "Ärztin"},
                         {"teacher", "Lehrer", "Lehrerin"},
                         {"engineer", "Ingenieur", "Ingenieurin"},
                         {"baker", "Bäcker", "Bäckerin"},
                         {"painter", "Maler", "Malerin"},
                         {"judge", "Richter", "Richterin"},
                         {"farmer", "Bauer", "Bäuerin"},
                         {"cook", "Koch", "Köchin"},
                         {"lawyer", "Anwalt", "Anwältin"},
                         {"singer", "Sänger", "Sängerin"},
                         {"journalist", "Journalist", "Journalistin"},
                         {"student", "Student", "Studentin"}};

// A phrase without attribute, for what is said about it to come after the verb.
Thing plain_thing(Chooser& chooser, const Noun& noun) {
  constexpr std::array<Words, 3> kMine = {{{"my", "mein"}, {"our", "unser"}, {"his", "sein"}}};
  NounShape shape{.plural = chooser.chance(25)};
  if (chooser.chance(35)) {
    const Words& owner = chooser.pick(kMine);
    shape.article = Article::possessive;
    shape.english_lead = owner.english;
    shape.german_lead = owner.german;
  } else if (chooser.chance(25)) {
    shape.article = Article::this_one;
  }
  return noun_phrase(noun, shape);
}

const Verb& plain_transitive(Chooser& chooser) {
  for (;;) {
    const Verb& verb = chooser.pick(transitive_verbs());
    const Frame& frame = verb.frame;
    const bool adjacent = frame.particle.empty() || frame.movable;
    if (frame.object_case == Case::accusative && frame.preposition.empty() && adjacent &&
        frame.lasting) {
      return verb;
    }
  }
}

std::string_view became(const Thing& thing) {
  return thing.is_plural() ? "wurden" : "wurde";
}

constexpr std::array<Words, 6> kSpots = {{{"on the table", "auf dem Tisch"},
                                          {"on the chair", "auf dem Stuhl"},
                                          {"under the bed", "unter dem Bett"},
                                          {"in the suitcase", "im Koffer"},
                                          {"on the shelf", "im Regal"},
                                          {"in the box", "in der Kiste"}}};
constexpr std::array<Words, 6> kTargets = {{{"on the table", "auf den Tisch"},
                                            {"on the chair", "auf den Stuhl"},
                                            {"under the bed", "unter das Bett"},
                                            {"in the suitcase", "in den Koffer"},
                                            {"on the shelf", "ins Regal"},
                                            {"in the box", "in die Kiste"}}};

const Noun& small_noun(Chooser& chooser) {
  for (;;) {
    const Noun& noun = noun_of(chooser, kThing);
    if ((noun.kinds & (kSurface | kOpening)) == 0) return noun;
  }
}

}  // namespace

Phrase describing(Chooser& chooser) {
  constexpr std::array<Words, 6> kDegrees = {{{"very", "sehr"},
                                              {"too", "zu"},
                                              {"not", "nicht"},
                                              {"rather", "ziemlich"},
                                              {"really", "wirklich"},
                                              {"", ""}}};
  const Noun& noun = chooser.pick(nouns());
  const Thing thing = plain_thing(chooser, noun);
  const Adjective& adjective = *adjective_for(chooser, noun, 100);
  const Words& degree = chooser.pick(kDegrees);
  const bool past = chooser.chance(40);
  if (degree.english.empty()) {
    return sentence(
        {joined({past ? english_was(thing) : english_be(thing), thing.english, adjective.english}),
         joined({past ? was(thing.person) : be(thing.person), thing.in(Case::nominative),
                 adjective.german})},
        "?");
  }
  return sentence({joined({thing.english, past ? english_was(thing) : english_be(thing),
                           degree.english, adjective.english}),
                   joined({thing.in(Case::nominative), past ? was(thing.person) : be(thing.person),
                           degree.german, adjective.german})});
}

Phrase comparing(Chooser& chooser) {
  const Adjective& adjective = chooser.pick(adjectives());
  const Noun& first_noun = noun_of(chooser, adjective.kinds);
  const Noun* second_noun = &first_noun;
  while (second_noun == &first_noun || (second_noun->kinds & first_noun.kinds) == 0) {
    second_noun = &noun_of(chooser, adjective.kinds);
  }
  const Thing first = plain_thing(chooser, first_noun);
  const Thing second = plain_thing(chooser, *second_noun);
  const Phrase verb{std::string(english_be(first)), std::string(be(first.person))};
  if (chooser.chance(30)) {
    return sentence(
        {joined({first.english, verb.english, "as", adjective.english, "as", second.english}),
         joined({first.in(Case::nominative), verb.german, "so", adjective.german, "wie",
                 second.in(Case::nominative)})});
  }
  return sentence(
      {joined({first.english, verb.english, adjective.english_comparative, "than", second.english}),
       joined({first.in(Case::nominative), verb.german, adjective.comparative, "als",
               second.in(Case::nominative)})});
}

Phrase profession(Chooser& chooser) {
  Thing who = person_name(chooser);
  while (who.english.starts_with("Dr."))
    who = person_name(chooser);  // a man or a woman?
  const Job& job = chooser.pick(kJobs);
  const std::string town = chooser.town();
  const std::string_view german_job = who.gender == Gender::feminine ? job.woman : job.man;
  if (chooser.chance(50)) {
    return sentence({joined({who.english, "works as", with_article(job.english), "in", town}),
                     joined({who.in(Case::nominative), "arbeitet als", german_job, "in", town})});
  }
  return sentence({joined({who.english, "is", with_article(job.english), "and lives in", town}),
                   joined({who.in(Case::nominative), "ist", german_job, "und wohnt in", town})});
}

Phrase passive(Chooser& chooser) {
  const Verb& verb = plain_transitive(chooser);
  const Noun& noun = noun_of(chooser, verb.frame.object);
  const Thing thing = plain_thing(chooser, noun);
  const std::string english_participle = joined({verb.english.participle, verb.frame.particle});
  const auto draw = chooser.between(1, 3);
  if (draw == 1) {
    const bool wanted = chooser.chance(50);
    const bool singular = !thing.is_plural();
    const std::string_view modal =
        wanted ? (singular ? "muss" : "müssen") : (singular ? "kann" : "können");
    return sentence(
        {joined({thing.english, wanted ? "must be" : "can be", english_participle}),
         joined({thing.in(Case::nominative), modal, verb.german.participle, "werden"})});
  }
  if (draw == 2) {
    const Phrase time = time_for(chooser, When::future);
    return sentence({joined({thing.english, "will be", english_participle, time.english}),
                     joined({thing.in(Case::nominative), become(thing.person), time.german,
                             verb.german.participle})});
  }
  const Phrase time = chooser.chance(50) ? time_for(chooser, When::past) : Phrase{};
  const Thing agent = any_thing(chooser, kPerson, false);
  return sentence({joined({thing.english, english_was(thing), english_participle, "by",
                           agent.english_object, time.english}),
                   joined({thing.in(Case::nominative), became(thing), time.german, "von",
                           agent.in(Case::dative), verb.german.participle})});
}

Phrase lying(Chooser& chooser) {
  const Noun& noun = small_noun(chooser);
  NounShape shape{.plural = chooser.chance(40),
                  .article = Article::indefinite,
                  .adjective = adjective_for(chooser, noun, 60)};
  if (shape.plural) shape.article = chooser.chance(50) ? Article::some : Article::many;
  const Thing thing = noun_phrase(noun, shape);
  const Words& spot = chooser.pick(kSpots);
  return sentence(
      {joined({"there", english_be(thing), thing.english, spot.english}),
       joined({spot.german, thing.is_plural() ? "liegen" : "liegt", thing.in(Case::nominative)})});
}

Phrase putting(Chooser& chooser) {
  constexpr Verb kPut = {{"put", "puts", "put", "put", "putting"},
                         {"", "legen", "lege", "legt", "gelegt"},
                         {.object = kThing}};
  Clause clause;
  clause.subject = any_subject(chooser);
  clause.verb = &kPut;
  const Noun& noun = small_noun(chooser);
  clause.object = noun_phrase(
      noun, {.plural = chooser.chance(25), .adjective = adjective_for(chooser, noun, 40)});
  constexpr std::array<Tense, 4> kTenses = {Tense::past, Tense::present, Tense::perfect,
                                            Tense::future};
  clause.tense = chooser.pick(kTenses);
  settle_tense(clause);
  clause.direction = phrase(chooser.pick(kTargets));
  return sentence(statement(clause));
}

Phrase owning(Chooser& chooser) {
  const auto draw = chooser.between(1, 4);
  if (draw == 1) {
    const Thing thing = plain_thing(chooser, noun_of(chooser, kThing | kVehicle));
    const Thing owner = any_thing(chooser, kPerson, true);
    const bool many = thing.is_plural();
    return sentence(
        {joined({thing.english, many ? "belong to" : "belongs to", owner.english_object}),
         joined(
             {thing.in(Case::nominative), many ? "gehören" : "gehört", owner.in(Case::dative)})});
  }
  if (draw == 2) {
    const Thing thing = any_thing(chooser, kThing | kVehicle | kClothing, false);
    const bool many = thing.is_plural();
    return sentence({(many ? "these are " : "this is ") + thing.english,
                     (many ? "das sind " : "das ist ") + thing.in(Case::nominative)});
  }
  const Thing who = any_subject(chooser);
  const bool third = who.person == Person::third_singular;
  if (draw == 3) {
    const Thing thing = no_thing(chooser, kThing | kVehicle | kAnimal);
    return sentence(
        {joined({who.english, third ? "does not have" : "do not have", thing.english}),
         joined({who.in(Case::nominative), have(who.person), thing.in(Case::accusative)})});
  }
  const Thing thing = any_thing(chooser, kThing | kVehicle | kAnimal, false);
  const bool past = chooser.chance(40);
  const bool one = third || who.person == Person::first_singular;
  const std::string_view german_past = one ? "hatte" : "hatten";
  return sentence({joined({who.english,
                           past    ? "had"
                           : third ? "has"
                                   : "have",
                           thing.english}),
                   joined({who.in(Case::nominative), past ? german_past : have(who.person),
                           thing.in(Case::accusative)})});
}

Phrase reflexive(Chooser& chooser) {
  struct Reflexive {
    std::string_view base, third, past;
    GermanVerb german;
    std::string_view preposition;
    std::uint32_t kinds;
  };
  static constexpr std::array<Reflexive, 5> kVerbs = {{
      {"look forward to",
       "looks forward to",
       "looked forward to",
       {"", "freuen", "freue", "freut", "gefreut"},
       "auf",
       kEvent},
      {"remember",
       "remembers",
       "remembered",
       {"", "erinnern", "erinnere", "erinnert", "erinnert"},
       "an",
       kPerson | kEvent | kBuilding},
      {"complain about",
       "complains about",
       "complained about",
       {"", "beschweren", "beschwere", "beschwert", "beschwert"},
       "über",
       kPerson | kFood | kEvent},
      {"take care of",
       "takes care of",
       "took care of",
       {"", "kümmern", "kümmere", "kümmert", "gekümmert"},
       "um",
       kPerson | kAnimal},
      {"fall in love with",
       "falls in love with",
       "fell in love with",
       {"", "verlieben", "verliebe", "verliebt", "verliebt"},
       "in",
       kPerson},
  }};
  const Reflexive& verb = chooser.pick(kVerbs);
  const Thing who = any_subject(chooser);
  const Noun& noun = noun_of(chooser, verb.kinds);
  const Thing what = plain_thing(chooser, noun);
  const bool third = who.person == Person::third_singular;
  const std::string_view self = who.person == Person::first_singular ? "mich"
                                : who.person == Person::first_plural ? "uns"
                                                                     : "sich";
  const std::string object = joined({verb.preposition, what.in(Case::accusative)});
  if (chooser.chance(50)) {
    return sentence({joined({who.english, verb.past, what.english_object}),
                     joined({who.in(Case::nominative), have(who.person), self, object,
                             verb.german.participle})});
  }
  return sentence(
      {joined({who.english, third ? verb.third : verb.base, what.english_object}),
       joined({who.in(Case::nominative), present(verb.german, who.person), self, object})});
}

Phrase weather(Chooser& chooser) {
  constexpr std::array<std::array<std::string_view, 4>, 2> kKinds = {
      {{"raining", "rained", "regnet", "geregnet"}, {"snowing", "snowed", "schneit", "geschneit"}}};
  const auto& [now, then, german_now, german_then] = chooser.pick(kKinds);
  const std::string town = chooser.town();
  if (chooser.chance(40)) {
    return sentence({joined({"it is", now, "in", town}), joined({"in", town, german_now, "es"})});
  }
  const Phrase time = time_for(chooser, When::past);
  return sentence({joined({"it", then, "in", town, time.english}),
                   joined({time.german, "hat es in", town, german_then})});
}

}  // namespace demo
