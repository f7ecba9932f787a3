#include <array>

#include "examples/demo/choices.h"
#include "examples/demo/numbers.h"
#include "examples/demo/sentences.h"

namespace demo {

namespace {

// One draw a statement: operands of + are evaluated in any order, and the data must be the same
// everywhere.
std::string full_name(Chooser& chooser) {
  const std::string first = chooser.first_name().text;
  return first + " " + chooser.surname();
}

std::string lower(std::string text) {
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter + 32);
  }
  return text;
}

std::string mail_address(Chooser& chooser, const std::string& surname) {
  constexpr std::array<std::string_view, 3> kDomains = {"example.org", "example.com",
                                                        "example.net"};
  const std::string user = lower(chooser.first_name().text + "." + surname);
  return user + "@" + std::string(chooser.pick(kDomains));
}

// "DE-48213-K"
std::string code(Chooser& chooser) {
  const std::string digits = std::to_string(chooser.number(1000, 99999));
  const std::string front = chooser.letters(2);
  const std::string back = chooser.letters(1);
  switch (chooser.between(1, 3)) {
    case 1:
      return front + "-" + digits;
    case 2:
      return front + "-" + digits + "-" + back;
    default:
      return digits + "-" + back;
  }
}

std::string year(Chooser& chooser, std::int64_t first, std::int64_t last) {
  return std::to_string(chooser.number(first, last));
}

Thing the(const Noun& noun) {
  return noun_phrase(noun, {});
}

}  // namespace

Phrase birth(Chooser& chooser) {
  const std::string name = full_name(chooser);
  const Phrase date = full_date(any_date(chooser, 1920, 2015));
  const std::string town = chooser.town();
  switch (chooser.between(1, 3)) {
    case 1:
      return sentence({name + " was born on " + date.english + " in " + town,
                       name + " wurde am " + date.german + " in " + town + " geboren"});
    case 2:
      return sentence({name + " died on " + date.english + " in " + town,
                       name + " ist am " + date.german + " in " + town + " gestorben"});
    default: {
      const std::string partner = full_name(chooser);
      return sentence({name + " and " + partner + " married on " + date.english,
                       name + " und " + partner + " haben am " + date.german + " geheiratet"});
    }
  }
}

Phrase appointment(Chooser& chooser) {
  const Thing event = the(noun_of(chooser, kEvent));
  const std::string& german = event.in(Case::nominative);
  const Date date = any_date(chooser, 1990, 2030);
  const Phrase day = weekday(date);
  const Phrase full = full_date(date);
  const Phrase hour = clock_time(chooser);
  switch (chooser.between(1, 5)) {
    case 1:
      return sentence({event.english + " takes place on " + day.english + ", " + full.english,
                       german + " findet am " + day.german + ", dem " + full.german + ", statt"});
    case 2:
      return sentence({event.english + " begins at " + hour.english + " on " + full.english,
                       german + " beginnt am " + full.german + " um " + hour.german});
    case 3:
      return sentence({event.english + " has been postponed to " + full.english,
                       german + " wurde auf den " + full.german + " verschoben"});
    case 4: {
      const std::string town = chooser.town();
      return sentence({event.english + " will take place in " + town + " on " + full.english,
                       german + " wird am " + full.german + " in " + town + " stattfinden"});
    }
    default: {
      const Thing who = any_subject(chooser);
      const std::string_view has = who.person == Person::third_singular ? "has" : "have";
      return sentence(
          {joined({who.english, has, "an appointment at", hour.english, "on", full.english}),
           joined({who.in(Case::nominative), have(who.person), "am", full.german, "um", hour.german,
                   "einen Termin"})});
    }
  }
}

Phrase cost(Chooser& chooser) {
  const Noun& noun = noun_of(chooser, kThing | kVehicle | kDevice | kClothing);
  const bool vehicle = (noun.kinds & kVehicle) != 0;
  const Phrase amount = price(chooser, vehicle ? 50000 : 250, vehicle ? 4000000 : 29999);
  const Adjective* adjective = adjective_for(chooser, noun, 50);
  const Thing thing = noun_phrase(noun, {.plural = chooser.chance(25), .adjective = adjective});
  const bool many = thing.is_plural();
  const std::string& german = thing.in(Case::nominative);
  switch (chooser.between(1, 4)) {
    case 1:
      return sentence({thing.english + (many ? " cost " : " costs ") + amount.english,
                       german + (many ? " kosten " : " kostet ") + amount.german});
    case 2: {
      const Thing who = any_subject(chooser);
      return sentence({joined({who.english, "paid", amount.english, "for", thing.english}),
                       joined({who.in(Case::nominative), have(who.person), amount.german, "für",
                               thing.in(Case::accusative), "bezahlt"})});
    }
    case 3:
      return sentence({joined({"how much", many ? "do" : "does", thing.english, "cost"}),
                       joined({"wie viel", many ? "kosten" : "kostet", german})},
                      "?");
    default:
      return sentence(
          {joined({thing.english, many ? "were" : "was", "sold for", amount.english}),
           joined({german, many ? "wurden" : "wurde", "für", amount.german, "verkauft"})});
  }
}

Phrase quantity(Chooser& chooser) {
  const Phrase number = number_phrase(chooser.number(1000, 99999));
  const std::string town = chooser.town();
  const std::string in_year = year(chooser, 1950, 2029);
  switch (chooser.between(1, 4)) {
    case 1:
      return sentence({town + " has " + number.english + " inhabitants",
                       town + " hat " + number.german + " Einwohner"});
    case 2:
      return sentence({"the company employs " + number.english + " people in " + town,
                       "die Firma beschäftigt in " + town + " " + number.german + " Menschen"});
    case 3: {
      const Noun& noun = noun_of(chooser, kDevice | kVehicle | kClothing);
      return sentence({"in " + in_year + ", the factory produced " + number.english + " " +
                           std::string(noun.english_plural),
                       "im Jahr " + in_year + " hat die Fabrik " + number.german + " " +
                           std::string(noun.plural) + " hergestellt"});
    }
    default:
      return sentence(
          {number.english + " visitors came to " + town + " in " + in_year,
           "im Jahr " + in_year + " kamen " + number.german + " Besucher nach " + town});
  }
}

Phrase measurement(Chooser& chooser) {
  switch (chooser.between(1, 4)) {
    case 1: {
      const Phrase number = number_phrase(chooser.number(41, 1800), 1);
      const Thing tower = the(noun_of(chooser, kBuilding));
      return sentence({tower.english + " is " + number.english + " metres high",
                       tower.in(Case::nominative) + " ist " + number.german + " Meter hoch"});
    }
    case 2: {
      const std::string first = chooser.town();
      const std::string second = chooser.town();
      const Phrase number = number_phrase(chooser.number(101, 9999), 1);
      return sentence(
          {first + " is " + number.english + " kilometres from " + second,
           first + " liegt " + number.german + " Kilometer von " + second + " entfernt"});
    }
    case 3: {
      const Noun& noun = noun_of(chooser, kThing);
      const Phrase number = number_phrase(chooser.number(3, 299), 1);
      const Thing thing = noun_phrase(noun, {.adjective = adjective_for(chooser, noun, 40)});
      return sentence({thing.english + " weighs " + number.english + " kilograms",
                       thing.in(Case::nominative) + " wiegt " + number.german + " Kilogramm"});
    }
    default: {
      const Phrase degrees = number_phrase(chooser.number(101, 389), 1);
      const std::string town = chooser.town();
      return sentence({"it was " + degrees.english + " degrees in " + town + " yesterday",
                       "in " + town + " waren es gestern " + degrees.german + " Grad"});
    }
  }
}

Phrase reference(Chooser& chooser) {
  const std::string text = code(chooser);
  const Thing who = person_name(chooser);
  switch (chooser.between(1, 6)) {
    case 1:
      return sentence({"your order number is " + text, "Ihre Bestellnummer lautet " + text});
    case 2:
      return sentence({"please quote the invoice number " + text,
                       "bitte geben Sie die Rechnungsnummer " + text + " an"});
    case 3: {
      const std::string line = chooser.letters(2);
      const std::string flight = line + " " + std::to_string(chooser.number(100, 9999));
      const std::string town = chooser.town();
      std::string gate = chooser.letters(1);
      gate += std::to_string(chooser.between(1, 60));
      const Phrase hour = clock_time(chooser);
      return sentence(
          {"flight " + flight + " to " + town + " leaves from gate " + gate + " at " + hour.english,
           "der Flug " + flight + " nach " + town + " startet um " + hour.german + " von Gate " +
               gate});
    }
    case 4: {
      const std::string room = std::to_string(chooser.number(100, 999));
      return sentence({who.english + " is waiting in room " + room,
                       who.in(Case::nominative) + " wartet in Zimmer " + room});
    }
    case 5:
      return sentence({"parcel " + text + " for " + who.english + " has not arrived yet",
                       "das Paket " + text + " für " + who.in(Case::accusative) +
                           " ist noch nicht angekommen"});
    default: {
      const Phrase date = full_date(any_date(chooser, 1990, 2029));
      return sentence(
          {who.english + " has received your letter of " + date.english,
           who.in(Case::nominative) + " hat Ihren Brief vom " + date.german + " erhalten"});
    }
  }
}

Phrase address(Chooser& chooser) {
  const FirstName first = chooser.first_name();
  const std::string surname = chooser.surname();
  switch (chooser.between(1, 4)) {
    case 1: {
      const Thing text = the(noun_of(chooser, kText));
      const std::string mail = mail_address(chooser, surname);
      return sentence({"please send " + text.english + " to " + mail,
                       "bitte schicken Sie " + text.in(Case::accusative) + " an " + mail});
    }
    case 2: {
      const std::string mail = mail_address(chooser, surname);
      return sentence({"you can reach " + std::string(first.is_female ? "Mrs. " : "Mr. ") +
                           surname + " at " + mail,
                       "Sie erreichen " + std::string(first.is_female ? "Frau " : "Herrn ") +
                           surname + " unter " + mail});
    }
    case 3: {
      const std::string house = std::to_string(chooser.between(1, 99));
      const std::string town = chooser.town();
      return sentence(
          {first.text + " lives at " + surname + "straße " + house + " in " + town,
           first.text + " wohnt in der " + surname + "straße " + house + " in " + town});
    }
    default: {
      const std::string host = "www." + lower(chooser.town()) + ".example/";
      const std::string page = host + std::to_string(chooser.number(100, 9999));
      return sentence({"you can find more information at " + page,
                       "weitere Informationen finden Sie unter " + page});
    }
  }
}

Phrase percentage(Chooser& chooser) {
  const Phrase number = number_phrase(chooser.number(11, 999), 1);
  const std::string in_year = year(chooser, 1950, 2029);
  const std::string town = chooser.town();
  switch (chooser.between(1, 3)) {
    case 1:
      return sentence(
          {"in " + in_year + ", sales in " + town + " rose by " + number.english + " percent",
           "im Jahr " + in_year + " stieg der Umsatz in " + town + " um " + number.german +
               " Prozent"});
    case 2:
      return sentence(
          {"in " + in_year + ", prices in " + town + " fell by " + number.english + " percent",
           "im Jahr " + in_year + " sanken die Preise in " + town + " um " + number.german +
               " Prozent"});
    default: {
      const Noun& noun = noun_of(chooser, kPerson);
      const Thing people = noun_phrase(noun, {.plural = true});
      return sentence(
          {number.english + " percent of " + people.english + " in " + town + " are satisfied",
           number.german + " Prozent " + people.in(Case::genitive) + " in " + town +
               " sind zufrieden"});
    }
  }
}

Phrase age(Chooser& chooser) {
  const std::string years = std::to_string(chooser.between(13, 99));
  if (chooser.chance(50)) {
    const Thing who = person_name(chooser);
    return sentence({who.english + " is " + years + " years old",
                     who.in(Case::nominative) + " ist " + years + " Jahre alt"});
  }
  constexpr std::array<Words, 4> kKin = {
      {{"daughter", "Tochter"}, {"son", "Sohn"}, {"sister", "Schwester"}, {"uncle", "Onkel"}}};
  const FirstName owner = owner_name(chooser);
  const Words& kin = chooser.pick(kKin);
  const Phrase day = day_and_month(any_date(chooser, 1950, 2029));
  return sentence(
      {owner.text + "'s " + std::string(kin.english) + " turns " + years + " on " + day.english,
       owner.text + "s " + std::string(kin.german) + " wird am " + day.german + " " + years +
           " Jahre alt"});
}

Phrase train(Chooser& chooser) {
  const std::string town = chooser.town();
  const std::string number = std::to_string(chooser.number(100, 9999));
  const Phrase hour = clock_time(chooser);
  const std::string platform = std::to_string(chooser.between(1, 24));
  switch (chooser.between(1, 3)) {
    case 1:
      return sentence({"train " + number + " to " + town + " leaves at " + hour.english +
                           " from platform " + platform,
                       "der Zug " + number + " nach " + town + " fährt um " + hour.german +
                           " von Gleis " + platform + " ab"});
    case 2:
      return sentence({"train " + number + " from " + town + " arrives at " + hour.english,
                       "der Zug " + number + " aus " + town + " kommt um " + hour.german + " an"});
    default: {
      const std::string minutes = std::to_string(chooser.between(15, 95));
      return sentence(
          {"train " + number + " to " + town + " is " + minutes + " minutes late",
           "der Zug " + number + " nach " + town + " hat " + minutes + " Minuten Verspätung"});
    }
  }
}

Phrase history(Chooser& chooser) {
  const Thing building = the(noun_of(chooser, kBuilding));
  const std::string name = full_name(chooser);
  const std::string in_year = year(chooser, 1400, 1999);
  const std::string town = chooser.town();
  switch (chooser.between(1, 4)) {
    case 1:
      return sentence({building.english + " in " + town + " was built in " + in_year,
                       building.in(Case::nominative) + " in " + town + " wurde im Jahr " + in_year +
                           " gebaut"});
    case 2:
      return sentence({"the company was founded by " + name + " in " + in_year,
                       "die Firma wurde im Jahr " + in_year + " von " + name + " gegründet"});
    case 3:
      return sentence(
          {"the owner of " + building.english + " in " + town + " is called " + name,
           "der Besitzer " + building.in(Case::genitive) + " in " + town + " heißt " + name});
    default:
      return sentence(
          {"the roof of " + building.english + " was repaired in " + in_year,
           "das Dach " + building.in(Case::genitive) + " wurde im Jahr " + in_year + " repariert"});
  }
}

}  // namespace demo
