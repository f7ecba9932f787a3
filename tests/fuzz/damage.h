// What may happen to a file or text on its way: random damage, drawn from a seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace dragoman_test {

using Random = std::mt19937_64;

/// In [0, count).
std::size_t draw(Random& random, std::size_t count);

/// One or several of: flipped bits, other bytes, numbers at the edges of their types, parts cut
/// off, cut out, doubled, swapped, inserted. Never longer than twice `bytes` and a kilobyte.
[[nodiscard]] std::string damage_bytes(std::string bytes, Random& random);

/// The same at the places where `bytes` is text: numbers, words, nesting, quotes.
[[nodiscard]] std::string damage_json(std::string text, Random& random);

/// Of a SentencePiece model: mostly at its ends, since what lies there is small beside its table of
/// characters.
[[nodiscard]] std::string damage_tokenizer(const std::string& bytes, Random& random);

struct ZipMember {
  std::string name;
  std::string content;
};

/// The members of a zip file in the order of their names.
[[nodiscard]] std::vector<ZipMember> read_members(const std::string& path);

/// A zip file whose checksums are right. With `lies`, some fields of its headers and directory are
/// wrong; or it has zip64 fields, right or wrong.
[[nodiscard]] std::string zip_of(const std::vector<ZipMember>& members, Random* lies = nullptr);

}  // namespace dragoman_test
