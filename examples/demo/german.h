// German morphology: articles and endings of noun phrases, auxiliary verbs.
#pragma once

#include <string>
#include <string_view>

#include "examples/demo/lexicon.h"

namespace demo {

/// Who acts, as far as verbs care. polite: "you", "Sie".
enum class Person { first_singular, third_singular, first_plural, third_plural, polite };

/// What stands before the noun, as far as endings care.
enum class Article {
  definite,    ///< der
  this_one,    ///< dieser
  every,       ///< jeder
  indefinite,  ///< ein; nothing in the plural
  none,        ///< nothing, or a word without endings: numbers, a name's genitive
  negative,    ///< kein
  possessive,  ///< mein, sein, ihr, unser, Ihr: `possessive` of declined()
  some,        ///< einige; plural only
  many,        ///< viele; plural only
};

/// The noun phrase in one case: "den alten Hund". `adjective` may be null. `lead` is put before it
/// when the article is none ("zwei", "Annas"), and is the stem when it is possessive ("mein").
[[nodiscard]] std::string declined(const Noun& noun, bool plural, Article article,
                                   const Adjective* adjective, Case in_case,
                                   std::string_view lead = {});

/// habe, hat, haben ... of haben, sein, werden.
[[nodiscard]] std::string_view have(Person person);
[[nodiscard]] std::string_view be(Person person);
[[nodiscard]] std::string_view become(Person person);
[[nodiscard]] std::string_view was(Person person);
/// The verb in the present tense, without its prefix.
[[nodiscard]] std::string_view present(const GermanVerb& verb, Person person);
/// "anrufen"; with "zu": "anzurufen", "zu lesen".
[[nodiscard]] std::string infinitive(const GermanVerb& verb);
[[nodiscard]] std::string zu_infinitive(const GermanVerb& verb);

}  // namespace demo
