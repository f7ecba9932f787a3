// The pieces of a text whose parts can be copied one by one.
#pragma once

#include <vector>

#include "dragoman/data/masked_text.h"
#include "dragoman/data/tokenizer.h"

namespace dragoman {

/// The pieces of a masked text: each mask is one unknown piece, also where the tokeniser spells
/// unknown characters as bytes; neighbouring unknown words are pieces of their own.
[[nodiscard]] std::vector<Piece> encode_split(const Tokenizer& tokenizer, const MaskedText& masked);

}  // namespace dragoman
