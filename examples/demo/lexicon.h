// The words of the built-in data set, English beside German, as tables.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace demo {

enum class Gender { masculine, feminine, neuter };

/// What a noun is good for: which verbs, adjectives and places go with it. A noun may have several.
enum Kind : std::uint32_t {
  kPerson = 1U << 0U,
  kAnimal = 1U << 1U,
  kThing = 1U << 2U,  ///< one carries, buys, loses it
  kText = 1U << 3U,
  kFood = 1U << 4U,
  kDrink = 1U << 5U,
  kDevice = 1U << 6U,
  kVehicle = 1U << 7U,
  kBuilding = 1U << 8U,
  kClothing = 1U << 9U,
  kEvent = 1U << 10U,
  kOpening = 1U << 11U,  ///< one opens and closes it
  kSurface = 1U << 12U,  ///< something lies on it
};

struct Noun {
  std::string_view english;
  std::string_view english_plural;
  Gender gender;
  std::string_view german;
  std::string_view plural;
  std::string_view genitive;  ///< singular
  std::uint32_t kinds;
  /// Like "Junge": accusative and dative are as the genitive.
  bool weak = false;
};

struct Adjective {
  std::string_view english;
  std::string_view english_comparative;
  std::string_view german;  ///< as a predicate: "teuer"
  std::string_view stem;    ///< before endings: "teur"
  std::string_view comparative;
  std::uint32_t kinds;  ///< of the nouns it describes
};

enum class Case { nominative, accusative, dative, genitive };

struct EnglishVerb {
  std::string_view base;        ///< give
  std::string_view third;       ///< gives
  std::string_view past;        ///< gave
  std::string_view participle;  ///< given
  std::string_view gerund;      ///< giving
};

struct GermanVerb {
  std::string_view prefix;      ///< "an" of anrufen, or empty
  std::string_view infinitive;  ///< rufen; also what wir, sie and Sie take
  std::string_view first;       ///< (ich) rufe
  std::string_view third;       ///< (er) ruft
  std::string_view participle;  ///< angerufen
};

/// What goes with a verb.
struct Frame {
  bool with_sein = false;    ///< perfect with "sein"
  std::uint32_t object = 0;  ///< kinds of its object; 0 takes none
  Case object_case = Case::accusative;
  std::string_view particle = {};     ///< English word after the verb: "for" of "wait for"
  std::string_view preposition = {};  ///< German preposition of the object: "auf"
  bool movable = false;               ///< "pick up the guest", but "pick him up"
  bool lasting = true;                ///< "is reading" is possible
};

struct Verb {
  EnglishVerb english;
  GermanVerb german;
  Frame frame = {};
};

struct Place {
  std::string_view english;     ///< in the kitchen
  std::string_view german;      ///< in der Küche
  std::string_view english_to;  ///< to the kitchen
  std::string_view german_to;   ///< in die Küche
};

std::span<const Noun> nouns();
std::span<const Adjective> adjectives();
std::span<const Verb> transitive_verbs();
std::span<const Verb> intransitive_verbs();
/// give, show, send ...: dative person, accusative thing.
std::span<const Verb> giving_verbs();
/// go, run ...: to a place; travel, fly ...: to a town.
std::span<const Verb> motion_verbs();
std::span<const Verb> travel_verbs();
std::span<const Place> places();

}  // namespace demo
