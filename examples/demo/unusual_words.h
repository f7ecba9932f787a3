// Invented words that no tokeniser of this data set covers, or only letter by letter: names of
// other scripts, names of unusual spelling, emoji, codes. A model can only copy them.
#pragma once

#include <cstdint>
#include <string>

#include "dragoman/data/random.h"

namespace demo {

/// Cyrillic, Greek, Chinese, Japanese, Korean, Arabic, Hebrew, Thai ...
[[nodiscard]] std::string script_word(dragoman::Random& random);
/// Latin letters, many with marks: "Vrølkwić".
[[nodiscard]] std::string foreign_name(dragoman::Random& random);
/// One to three emoji without spaces.
[[nodiscard]] std::string emoji(dragoman::Random& random);
/// "X74#859", "v2.17.3", "ab_48213.pdf"; with four digits or more.
[[nodiscard]] std::string odd_token(dragoman::Random& random);

}  // namespace demo
