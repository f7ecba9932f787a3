// Damaged tokenisers: an error each, or a tokeniser that encodes and decodes.
#include "dragoman/data/tokenizer.h"

#include <algorithm>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "tests/fuzz/damage.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"

namespace {

using dragoman::Tokenizer;
using dragoman::TokenizerType;
using dragoman_test::Random;

struct TokenizerKind {
  TokenizerType type;
  std::int64_t size;
  bool has_bytes;
};
constexpr TokenizerKind kTokenizerKinds[] = {{TokenizerType::bpe, 60, false},
                                             {TokenizerType::unigram, 60, false},
                                             {TokenizerType::word, 30, false},
                                             {TokenizerType::bpe, 310, true},
                                             {TokenizerType::unigram, 310, true}};

/// Refused or not; anything but an error of ours comes out.
bool is_refused(const std::string& bytes) {
  try {
    const Tokenizer tokenizer = Tokenizer::from_bytes(bytes, "damaged");
    for (const char* text :
         {"two dogs play in the snow", "Ünknown 李明 ０１ ﬁ ㍿ wörds", " \t\u3000"}) {
      const auto ids = tokenizer.encode(text);
      (void)tokenizer.decode(ids);
      (void)tokenizer.encode_aligned(text);
      (void)tokenizer.decode_aligned(tokenizer.encode_pieces(text));
    }
    return false;
  } catch (const dragoman::ModelError&) {
    return true;
  } catch (const dragoman::DataError&) {
    return true;
  }
}

void check_tokenizers(std::uint64_t count) {
  for (const TokenizerKind& kind : kTokenizerKinds) {
    dragoman::TokenizerConfig config;
    config.type = kind.type;
    config.vocabulary_size = kind.size;
    config.byte_fallback = kind.has_bytes;
    config.user_symbols = {"<b>"};
    const std::string whole = dragoman::train_tokenizer(config, dragoman_test::tiny_lines());
    REQUIRE_FALSE(is_refused(whole));
    std::uint64_t refused = 0;
    for (std::uint64_t seed = 0; seed < count; ++seed) {
      CAPTURE(kind.type, kind.has_bytes, seed);
      Random random(seed);
      refused += is_refused(dragoman_test::damage_tokenizer(whole, random)) ? 1 : 0;
    }
    CHECK(refused > count / 20);
    if (count >= 1000) WARN(count << " tokenisers, " << refused << " refused");
  }
}

}  // namespace

TEST_CASE("a damaged tokeniser is refused or works", "[fuzz]") {
  check_tokenizers(40);
}

TEST_CASE("thousands of damaged tokenisers are refused or work", "[fuzz][.slow]") {
  check_tokenizers(5000);
}
