// What happens in a clause, drawn at random: verb, object, tense, negation, time and place that fit
// together.
#pragma once

#include "examples/demo/clause.h"

namespace demo {

/// A pair from a table.
struct Words {
  std::string_view english;
  std::string_view german;
};
[[nodiscard]] Phrase phrase(const Words& words);

enum class When { past, habit, future };
[[nodiscard]] When when_of(const Clause& clause);
[[nodiscard]] Phrase time_for(Chooser& chooser, When when);

/// A modal that asks without "do": can, must, should.
[[nodiscard]] const Modal& modal_for_questions(Chooser& chooser);

/// The verb and what belongs to it; no tense yet.
void choose_predicate(Chooser& chooser, Clause& clause);
void choose_object(Chooser& chooser, Clause& clause);
void choose_place(Chooser& chooser, Clause& clause, int percent);
void choose_direction(Chooser& chooser, Clause& clause);

/// "They read the book" is past, so that each English sentence has one translation.
void settle_tense(Clause& clause);

[[nodiscard]] Clause clause_of(Chooser& chooser, Thing subject);
enum class Negation { allowed, none };
/// For clauses that stand in others: present, past or modal, and not much else.
[[nodiscard]] Clause short_clause(Chooser& chooser, Thing subject,
                                  Negation negation = Negation::allowed);
/// "the dog", "the old houses"
[[nodiscard]] Thing definite(Chooser& chooser, std::uint32_t kinds);

}  // namespace demo
