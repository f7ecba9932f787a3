// The kinds of sentences. Each function makes one sentence and its translation, complete with
// capital and stop.
#pragma once

#include "examples/demo/clause.h"
#include "examples/demo/phrase.h"

namespace demo {

// clauses.cpp: built from Clause.
[[nodiscard]] Clause any_clause(Chooser& chooser);
[[nodiscard]] Phrase plain(Chooser& chooser);
[[nodiscard]] Phrase asking(Chooser& chooser);
[[nodiscard]] Phrase with_subordinate(Chooser& chooser);
[[nodiscard]] Phrase reporting(Chooser& chooser);
[[nodiscard]] Phrase coordinated(Chooser& chooser);
[[nodiscard]] Phrase with_purpose(Chooser& chooser);
[[nodiscard]] Phrase relative_subject(Chooser& chooser);
[[nodiscard]] Phrase relative_object(Chooser& chooser);
[[nodiscard]] Phrase polite_command(Chooser& chooser);
[[nodiscard]] Phrase liking(Chooser& chooser);

// descriptions.cpp
[[nodiscard]] Phrase describing(Chooser& chooser);
[[nodiscard]] Phrase comparing(Chooser& chooser);
[[nodiscard]] Phrase profession(Chooser& chooser);
[[nodiscard]] Phrase passive(Chooser& chooser);
[[nodiscard]] Phrase lying(Chooser& chooser);
[[nodiscard]] Phrase putting(Chooser& chooser);
[[nodiscard]] Phrase owning(Chooser& chooser);
[[nodiscard]] Phrase reflexive(Chooser& chooser);
[[nodiscard]] Phrase weather(Chooser& chooser);

// facts.cpp: names, numbers, dates, references.
[[nodiscard]] Phrase birth(Chooser& chooser);
[[nodiscard]] Phrase appointment(Chooser& chooser);
[[nodiscard]] Phrase cost(Chooser& chooser);
[[nodiscard]] Phrase quantity(Chooser& chooser);
[[nodiscard]] Phrase measurement(Chooser& chooser);
[[nodiscard]] Phrase reference(Chooser& chooser);
[[nodiscard]] Phrase address(Chooser& chooser);
[[nodiscard]] Phrase percentage(Chooser& chooser);
[[nodiscard]] Phrase age(Chooser& chooser);
[[nodiscard]] Phrase train(Chooser& chooser);
[[nodiscard]] Phrase history(Chooser& chooser);

// unusual.cpp: names of other scripts, emoji, codes.
[[nodiscard]] Phrase unusual(Chooser& chooser);

/// "Anna sleeps" and "." make "Anna sleeps."; the first letter becomes a capital.
[[nodiscard]] Phrase sentence(const Phrase& words, std::string_view stop = ".");

}  // namespace demo
