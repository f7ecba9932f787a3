// SentencePiece follows the table of characters in a model file without looking whether it stays
// within it: a damaged one makes it read foreign memory. So the table is followed here, once,
// before SentencePiece gets it.
#pragma once

#include <string>
#include <string_view>

namespace dragoman {

/// What is wrong with the bytes of a SentencePiece model, as far as SentencePiece itself would not
/// say; empty: nothing.
[[nodiscard]] std::string find_tokenizer_damage(std::string_view model);

}  // namespace dragoman
