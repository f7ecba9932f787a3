// What dragoman translate reads: lines of text, or JSON lines that ask for more.
//
//   {"text": "Two dogs play.", "prefix": "Zwei Hunde", "constraints": ["Schnee"]}
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dragoman/data/line_reader.h"
#include "dragoman/inference/translator.h"

namespace dragoman {

struct TranslateInput {
  std::vector<std::string> texts;
  std::vector<TextOptions> own;  ///< one per text
};

/// The next `size` lines at most; none at the end. Texts are numbered by their lines, so that
/// samples do not depend on `size`. Throws DataError with file:line for what is no such JSON.
[[nodiscard]] TranslateInput read_input(LineReader& reader, bool is_jsonl, std::int64_t size);

}  // namespace dragoman
