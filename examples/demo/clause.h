// A clause as its parts, and the word orders it takes: statement, question, subordinate clause,
// infinitive.
#pragma once

#include <optional>
#include <string>

#include "examples/demo/phrase.h"

namespace demo {

enum class Tense {
  present,      ///< reads, liest
  progressive,  ///< is reading, liest gerade
  past,         ///< read, hat gelesen
  perfect,      ///< has already read, hat schon gelesen
  future,       ///< will read, wird lesen
  modal,        ///< can read, kann lesen
};

struct Modal {
  std::string_view english;           ///< must; finite with every person
  std::string_view english_third;     ///< wants to
  std::string_view english_negative;  ///< does not want to; for I, you ...: do not want to
  std::string_view english_negative_third;
  std::string_view german_singular;  ///< kann
  std::string_view german_plural;    ///< können
  bool is_past = false;
};

struct Clause {
  Thing subject;
  const Verb* verb = nullptr;
  Tense tense = Tense::present;
  const Modal* modal = nullptr;
  bool is_negated = false;
  bool object_negates = false;  ///< "does not buy a car", but "kauft kein Auto": no "nicht"
  std::optional<Thing> recipient;
  std::optional<Thing> object;
  Phrase frequency;  ///< often
  Phrase time;
  Phrase place;
  Phrase direction;
};

// Without the first capital and without the full stop.
[[nodiscard]] Phrase statement(const Clause& clause);
/// With the time in front: "Yesterday, ..." and the subject after the German verb.
[[nodiscard]] Phrase statement_time_first(Clause clause);
/// "does Anna read the book"; with a question word in front when `word` is not empty.
[[nodiscard]] Phrase question(const Clause& clause, const Phrase& word = {});
/// German with the verb at the end.
[[nodiscard]] Phrase subordinate(const Clause& clause);
/// "to read the book", "das Buch zu lesen": the clause without its subject.
[[nodiscard]] Phrase infinitive_clause(const Clause& clause);
/// German only, with the verb first, as after a subordinate clause: "liest Anna das Buch".
[[nodiscard]] std::string german_verb_first(const Clause& clause);
/// "open the window", "machen Sie das Fenster auf".
[[nodiscard]] Phrase command(const Clause& clause);

/// English forms of "be".
[[nodiscard]] std::string_view english_be(const Thing& subject);
[[nodiscard]] std::string_view english_was(const Thing& subject);

}  // namespace demo
