// Whether copying can help: how many of the rare words of held-out targets stand in their sources.
// Rare are those that the training targets hold fewer than 5 times.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dragoman {

/// spaced: what stands between white space; it is in a source that holds it anywhere, inside a
/// longer word too. folded: runs of letters and digits in lower case; the source has to hold the
/// same run.
enum class WordKind { spaced, folded };

struct CopyableShare {
  std::int64_t words = 0;     ///< in the set's targets
  std::int64_t rare = 0;      ///< of them
  std::int64_t copyable = 0;  ///< of the rare ones
};

/// Words of all held-out sets with their counts in the training targets, so that memory depends on
/// the held-out sets alone. Counting stops where a word is not rare any more.
class WordCounts {
 public:
  static constexpr std::uint32_t kRare = 5;

  explicit WordCounts(WordKind kind) : kind_(kind) {}

  /// The number of a word that is to be counted.
  std::uint32_t number(std::string_view word);
  /// Appends the numbers of the words of `text` that are still rare. Thread-safe while nothing is
  /// added or counted.
  void find(std::string_view text, std::vector<std::uint32_t>& found) const;
  void count(const std::vector<std::uint32_t>& found);

  [[nodiscard]] WordKind kind() const { return kind_; }
  [[nodiscard]] bool is_rare(std::uint32_t number) const { return counts_[number] < kRare; }
  [[nodiscard]] bool empty() const { return counts_.empty(); }

 private:
  WordKind kind_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  ///< by hash
  std::vector<std::uint32_t> counts_;
};

/// The words of one held-out set.
class CopyableWords {
 public:
  explicit CopyableWords(WordCounts& counts) : counts_(counts) {}
  void add(std::string_view source, std::string_view target);
  /// Once the training targets have been counted.
  [[nodiscard]] CopyableShare share() const;

 private:
  struct Word {
    std::uint32_t number;
    bool is_in_source;
  };
  WordCounts& counts_;
  std::vector<Word> words_;
};

}  // namespace dragoman
