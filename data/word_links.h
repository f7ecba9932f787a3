// Which words of a pair belong together, as word aligners (fast_align, eflomal, GIZA++) say it: one
// line a pair, "0-0 1-2 2-1", source-target, words counted from 0 (the Pharaoh format). Words are
// what ASCII white space separates.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/text_range.h"

namespace dragoman {

/// Places from 0, of words or of tokens.
struct WordLink {
  std::int32_t source = 0;
  std::int32_t target = 0;

  auto operator<=>(const WordLink&) const = default;
};

/// The links of `line`, of a pair with these texts. Throws DataError that begins with `where`
/// (file:line) for what is no link, or one to a word that a text does not have.
[[nodiscard]] std::vector<WordLink> parse_links(std::string_view line, const std::string& where,
                                                std::string_view source, std::string_view target);

/// Of tokens with `ranges` in `text`: the words [begin, end) that each has a part of, counted.
[[nodiscard]] std::vector<TextRange> words_of_tokens(std::span<const TextRange> ranges,
                                                     std::string_view text);

/// Every token of a word is linked to every token of each word that the word is linked to.
/// `source`, `target`: words_of_tokens. Sorted by target, then source; each link once.
[[nodiscard]] std::vector<WordLink> token_links(std::span<const WordLink> words,
                                                std::span<const TextRange> source,
                                                std::span<const TextRange> target);

}  // namespace dragoman
