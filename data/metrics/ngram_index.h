// Exact numbers for n-grams of characters and words, without building the n-grams as strings.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace dragoman {

/// An n-gram is named by the node of its first n - 1 symbols and its last symbol, so equal n-grams
/// get equal nodes and different ones never share one.
class NgramIndex {
 public:
  using Node = std::uint32_t;
  static constexpr Node kCharacters = 0;  ///< root of character n-grams
  static constexpr Node kSpellings = 1;   ///< root of the words' characters
  static constexpr Node kWords = 2;       ///< root of word n-grams
  static constexpr Node kNone = 0xffffffff;

  NgramIndex() : slots_(kFirstCapacity) {}

  void clear() {
    ++round_;
    nodes_ = kWords + 1;
  }
  [[nodiscard]] Node nodes() const { return nodes_; }

  [[nodiscard]] Node add(Node prefix, std::uint32_t symbol) {
    Slot* slot = &slots_[position(prefix, symbol)];
    if (slot->round == round_) return slot->node;
    if (2 * (static_cast<std::size_t>(nodes_) + 1) > slots_.size()) {
      grow();
      slot = &slots_[position(prefix, symbol)];
    }
    *slot = {key(prefix, symbol), nodes_, round_};
    return nodes_++;
  }

  [[nodiscard]] Node find(Node prefix, std::uint32_t symbol) const {
    const Slot& slot = slots_[position(prefix, symbol)];
    return slot.round == round_ ? slot.node : kNone;
  }

  /// A number for each word, to be used as a symbol under kWords.
  [[nodiscard]] std::vector<std::uint32_t> add_words(std::span<const std::u32string_view> words);
  /// The same numbers; kNone for a word that was never added.
  [[nodiscard]] std::vector<std::uint32_t> find_words(
      std::span<const std::u32string_view> words) const;

  /// Adds all n-grams up to `max_order`; `seen(node, order - 1)` for each occurrence.
  template <typename Symbols, typename Seen>
  void add_ngrams(Node root, const Symbols& symbols, int max_order, Seen seen) {
    for (std::size_t start = 0; start < symbols.size(); ++start) {
      const std::size_t end = std::min(symbols.size(), start + static_cast<std::size_t>(max_order));
      Node node = root;
      for (std::size_t next = start; next < end; ++next) {
        node = add(node, symbols[next]);
        seen(node, next - start);
      }
    }
  }

  /// As above for the n-grams that are there already; the others are passed over.
  template <typename Symbols, typename Seen>
  void find_ngrams(Node root, const Symbols& symbols, int max_order, Seen seen) const {
    for (std::size_t start = 0; start < symbols.size(); ++start) {
      const std::size_t end = std::min(symbols.size(), start + static_cast<std::size_t>(max_order));
      Node node = root;
      for (std::size_t next = start; next < end; ++next) {
        node = find(node, symbols[next]);
        if (node == kNone) break;
        seen(node, next - start);
      }
    }
  }

 private:
  static constexpr std::size_t kFirstCapacity = 4096;

  struct Slot {
    std::uint64_t key = 0;
    Node node = 0;
    std::uint32_t round = 0;  ///< the slot is free unless this is the round of now
  };

  [[nodiscard]] static std::uint64_t key(Node prefix, std::uint32_t symbol) {
    return (static_cast<std::uint64_t>(prefix) << 32) | symbol;
  }
  /// The slot of the key, or the free one where it belongs.
  [[nodiscard]] std::size_t position(Node prefix, std::uint32_t symbol) const {
    const std::uint64_t wanted = key(prefix, symbol);
    const std::size_t mask = slots_.size() - 1;
    std::uint64_t hash = wanted * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 32;
    std::size_t index = static_cast<std::size_t>(hash) & mask;
    while (slots_[index].round == round_ && slots_[index].key != wanted)
      index = (index + 1) & mask;
    return index;
  }
  void grow();

  std::vector<Slot> slots_;  ///< a power of two of them, at most half of them taken
  std::uint32_t round_ = 1;
  Node nodes_ = kWords + 1;
};

/// How many n-grams of `order` a text of `length` symbols has.
[[nodiscard]] inline double ngram_total(std::size_t length, std::size_t order) {
  return length < order ? 0.0 : static_cast<double>(length - order + 1);
}

}  // namespace dragoman
