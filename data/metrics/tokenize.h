// Text as the metrics see it: code points, Python's idea of white space and lower case, BLEU's
// tokenisers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/metrics/bleu.h"

namespace dragoman {

/// Code points; a byte that is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::u32string to_code_points(std::string_view text);
[[nodiscard]] std::string to_utf8(std::u32string_view text);

/// As Python's str.isspace, str.lower (with final sigma), str.rstrip, str.strip and str.split.
[[nodiscard]] bool is_space(char32_t character);
[[nodiscard]] std::u32string to_lower(std::u32string text);
[[nodiscard]] std::u32string_view strip_right(std::u32string_view text);
[[nodiscard]] std::u32string_view strip(std::u32string_view text);
[[nodiscard]] std::vector<std::u32string_view> split(std::u32string_view text);

/// Inserts spaces so that `split` gives the tokens.
[[nodiscard]] std::u32string tokenize_for_bleu(std::u32string_view text, BleuTokenizer tokenizer);

/// The passes of mteval-v13a that split off punctuation; TER's differ between the first two.
[[nodiscard]] std::u32string split_ascii_punctuation(std::u32string_view text);
[[nodiscard]] std::u32string split_periods_and_dashes(std::u32string_view text);
[[nodiscard]] std::u32string replace_all(std::u32string_view text, std::u32string_view from,
                                         std::u32string_view to);

}  // namespace dragoman
