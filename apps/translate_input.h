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

/// The lines that one of several processes translates: every one whose place in the input, counted
/// from 0, leaves `number` when divided by `count`.
struct Shard {
  std::int64_t number = 0;
  std::int64_t count = 1;
};

/// "0/4": the first of four. Throws UsageError.
[[nodiscard]] Shard parse_shard(const std::string& text);

/// The next `size` lines of `shard` at most; none at the end. Texts are numbered by their lines, so
/// that samples depend neither on `size` nor on `shard`. Throws DataError with file:line for what
/// is no such JSON.
[[nodiscard]] TranslateInput read_input(LineReader& reader, bool is_jsonl, std::int64_t size,
                                        const Shard& shard);

}  // namespace dragoman
