// Which target words may stand in translations of given source words (vocabulary selection): the
// most frequent ones, and some candidates of each source word. Built from a lexical table; a file
// of its own that names the tokenisers it belongs to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

class PairEncoder;

class Shortlist {
 public:
  /// candidates: of each source word. `tokenizers`: tokenizer_hash() of both sides. Ids must be
  /// below `target_words`; they are sorted, and equal ones become one.
  Shortlist(std::uint64_t tokenizers, std::int64_t target_words, std::vector<std::int32_t> frequent,
            const std::vector<std::vector<std::int32_t>>& candidates);

  /// Throws DataError: missing, truncated, damaged or foreign file, numbers out of range.
  [[nodiscard]] static Shortlist load(const std::string& path);
  /// Throws SystemError.
  void save(const std::string& path) const;

  /// The frequent words, all candidates of `source`, and `needed`, sorted, each once. Ids of
  /// neither vocabulary are left out.
  [[nodiscard]] std::vector<std::int64_t> select(std::span<const std::int64_t> source,
                                                 std::span<const std::int64_t> needed) const;

  [[nodiscard]] std::uint64_t tokenizers() const { return tokenizers_; }
  [[nodiscard]] std::int64_t source_words() const {
    return static_cast<std::int64_t>(begins_.size()) - 1;
  }
  [[nodiscard]] std::int64_t target_words() const { return target_words_; }
  [[nodiscard]] std::span<const std::int32_t> frequent() const { return frequent_; }
  [[nodiscard]] std::span<const std::int32_t> candidates(std::int64_t source) const;

 private:
  Shortlist() = default;
  [[nodiscard]] std::string content() const;

  std::uint64_t tokenizers_ = 0;
  std::int64_t target_words_ = 0;
  std::vector<std::int32_t> frequent_;
  std::vector<std::uint32_t> begins_{0};  ///< [source words + 1]
  std::vector<std::int32_t> candidates_;
};

/// Of the content of both tokenisers (FNV-1a): a shortlist belongs to models that have the same.
[[nodiscard]] std::uint64_t tokenizer_hash(const PairEncoder& encoder);

}  // namespace dragoman
