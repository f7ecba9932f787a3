// Sentences with what a model can only copy: names of other scripts and of unusual spelling, emoji,
// codes.
#include "examples/demo/choices.h"
#include "examples/demo/numbers.h"
#include "examples/demo/sentences.h"

namespace demo {

namespace {

/// An ordinary sentence whose surnames and towns are unusual.
Phrase with_unusual_names(Chooser& chooser) {
  using Make = Phrase (*)(Chooser&);
  constexpr Make kMakers[] = {plain,       birth,     appointment, quantity,
                              measurement, reference, train,       percentage,
                              history,     asking,    reporting,   with_subordinate};
  for (;;) {
    Phrase pair = chooser.pick(kMakers)(chooser);
    if (chooser.shows_special(pair.english)) return pair;
  }
}

Phrase with_words(Chooser& chooser) {
  const std::string word = chooser.unusual_name();
  const Thing who = person_name(chooser);
  const std::string& name = who.in(Case::nominative);
  switch (chooser.between(1, 9)) {
    case 1:
      return sentence({"the sign says " + word, "auf dem Schild steht " + word});
    case 2:
      return sentence({"the shop is called " + word, "der Laden heißt " + word});
    case 3:
      return sentence({"how do you pronounce " + word, "wie spricht man " + word + " aus"}, "?");
    case 4: {
      const Noun& noun = noun_of(chooser, kAnimal | kThing | kFood);
      return sentence({joined({"the word", word, "means", noun.english}),
                       joined({"das Wort", word, "bedeutet", noun.german})});
    }
    case 5: {
      const std::string town = chooser.town();
      return sentence(
          {"we ate " + word + " in " + town, "wir haben in " + town + " " + word + " gegessen"});
    }
    case 6: {
      const Phrase amount = price(chooser, 250, 29999);
      return sentence({"the product " + word + " costs " + amount.english,
                       "das Produkt " + word + " kostet " + amount.german});
    }
    case 7:
      return sentence({who.english + " comes from " + word, name + " kommt aus " + word});
    case 8: {
      const std::string second = chooser.unusual_name();
      const std::string third = chooser.unusual_name();
      return sentence({joined({who.english, "ordered", word + ",", second, "and", third}),
                       joined({name, "hat", word + ",", second, "und", third, "bestellt"})});
    }
    default:
      return sentence({"the song " + word + " was written by " + who.english,
                       "das Lied " + word + " wurde von " + who.in(Case::dative) + " geschrieben"});
  }
}

Phrase with_emoji(Chooser& chooser) {
  const std::string signs = chooser.emoji();
  const Thing who = person_name(chooser);
  const std::string& name = who.in(Case::nominative);
  switch (chooser.between(1, 6)) {
    case 1:
      return sentence(
          {who.english + " answered with " + signs, name + " hat mit " + signs + " geantwortet"});
    case 2:
      return sentence({who.english + " sent us " + signs + " yesterday",
                       name + " hat uns gestern " + signs + " geschickt"});
    case 3:
      return sentence({"our new sign is " + signs, "unser neues Zeichen ist " + signs});
    case 4:
      return sentence({"happy birthday, " + who.english + " " + signs,
                       "alles Gute zum Geburtstag, " + name + " " + signs},
                      "!");
    case 5: {
      const Thing thing = definite(chooser, kThing | kFood | kText);
      return sentence({joined({"thank you for", thing.english, signs}),
                       joined({"vielen Dank für", thing.in(Case::accusative), signs})});
    }
    default: {
      const Phrase clause = statement(any_clause(chooser));
      return sentence({clause.english + " " + signs, clause.german + " " + signs});
    }
  }
}

Phrase with_codes(Chooser& chooser) {
  const std::string code = chooser.odd_token();
  switch (chooser.between(1, 8)) {
    case 1:
      return sentence({"the code is " + code, "der Code lautet " + code});
    case 7: {
      const std::string second = chooser.odd_token();
      return sentence({"the codes are " + code + " and " + second,
                       "die Codes lauten " + code + " und " + second});
    }
    case 8: {
      const std::string second = chooser.odd_token();
      return sentence({"please replace " + code + " with " + second,
                       "bitte ersetzen Sie " + code + " durch " + second});
    }
    case 2:
      return sentence({"please enter " + code + " here", "bitte geben Sie hier " + code + " ein"});
    case 3:
      return sentence({"the file " + code + " is missing", "die Datei " + code + " fehlt"});
    case 4:
      return sentence(
          {"version " + code + " has been released", "Version " + code + " ist erschienen"});
    case 5: {
      const Thing thing = definite(chooser, kVehicle | kDevice);
      return sentence({joined({"part", code, "fits", thing.english}),
                       joined({"das Teil", code, "passt zu", thing.in(Case::dative)})});
    }
    default: {
      const Thing who = person_name(chooser);
      return sentence({who.english + " is looking for order " + code,
                       who.in(Case::nominative) + " sucht die Bestellung " + code});
    }
  }
}

}  // namespace

Phrase unusual(Chooser& chooser) {
  chooser.make_names_unusual();
  const auto draw = chooser.between(1, 100);
  if (draw <= 30) return with_unusual_names(chooser);
  if (draw <= 50) return with_words(chooser);
  return draw <= 70 ? with_emoji(chooser) : with_codes(chooser);
}

}  // namespace demo
