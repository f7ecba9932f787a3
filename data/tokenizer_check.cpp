#include "dragoman/data/tokenizer_check.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "dragoman/data/message_reader.h"

namespace dragoman {

namespace {

// sentencepiece_model.proto
constexpr std::uint64_t kNormalizerField = 3;
constexpr std::uint64_t kDenormalizerField = 5;
constexpr std::uint64_t kTableField = 2;  // NormalizerSpec.precompiled_charsmap

/// Prefixes of a text that a table may hold: SentencePiece has room for as many.
constexpr int kMostMatches = 32;

/// A trie in one array of units, as Darts-clone writes it (Yata et al. 2007, "A compact static
/// double-array keeping character codes"): the children of the node with base b are the units u at
/// b ^ label(u), and the base of unit p is p ^ offset(u).
class Trie {
 public:
  explicit Trie(std::string_view bytes) : units_(bytes.size() / sizeof(std::uint32_t)) {
    std::memcpy(units_.data(), bytes.data(), units_.size() * sizeof(std::uint32_t));
  }

  /// Whether every path stays within the array, ends, meets kMostMatches values at most, and every
  /// value is below `values`.
  [[nodiscard]] bool is_sound(std::size_t values) {
    if (units_.empty()) return false;
    for (std::uint32_t place = 0; place < units_.size(); ++place) {
      const std::uint32_t unit = units_[place];
      if (place > 0 && is_value(unit)) continue;
      const std::uint32_t base = base_of(place);
      if ((base | 0xFF) >= units_.size()) return false;
      if (has_value(unit) && (units_[base] & ~kIsValue) >= values) return false;
    }
    list_children();
    const auto most = most_matches(base_of(0));
    return most && *most <= kMostMatches;
  }

 private:
  static constexpr std::uint32_t kIsValue = 1U << 31;

  static bool is_value(std::uint32_t unit) { return (unit & kIsValue) != 0; }
  static bool has_value(std::uint32_t unit) { return ((unit >> 8) & 1) != 0; }
  [[nodiscard]] std::uint32_t base_of(std::uint32_t place) const {
    const std::uint32_t unit = units_[place];
    return place ^ ((unit >> 10) << ((unit & (1U << 9)) >> 6));
  }

  /// children_[first_[b]] to children_[first_[b + 1]]: the units that have the base b as parent.
  void list_children() {
    const auto parent = [this](std::uint32_t place) { return place ^ (units_[place] & 0xFF); };
    const auto is_child = [this](std::uint32_t place) {
      return !is_value(units_[place]) && (units_[place] & 0xFF) != 0;
    };
    first_.assign(units_.size() + 257, 0);
    for (std::uint32_t place = 0; place < units_.size(); ++place)
      if (is_child(place)) ++first_[parent(place) + 1];
    for (std::size_t base = 1; base < first_.size(); ++base)
      first_[base] += first_[base - 1];
    children_.resize(first_.back());
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for (std::uint32_t place = 0; place < units_.size(); ++place)
      if (is_child(place)) children_[next[parent(place)]++] = place;
  }

  /// The most values on a way down from `root`; nothing when a way comes back to where it was.
  [[nodiscard]] std::optional<int> most_matches(std::uint32_t root) const {
    constexpr int kUnknown = -1;
    constexpr int kOpen = -2;
    struct Visit {
      std::uint32_t base;
      std::uint32_t child;  ///< the next one
    };
    std::vector<int> most(units_.size(), kUnknown);
    std::vector<Visit> path = {{root, first_[root]}};
    most[root] = kOpen;
    while (!path.empty()) {
      Visit& visit = path.back();
      if (visit.child < first_[visit.base + 1]) {
        const std::uint32_t below = base_of(children_[visit.child++]);
        if (most[below] == kOpen) return {};
        if (most[below] != kUnknown) continue;
        most[below] = kOpen;
        path.push_back({below, first_[below]});
        continue;
      }
      int found = 0;
      for (auto child = first_[visit.base]; child < first_[visit.base + 1]; ++child) {
        const std::uint32_t place = children_[child];
        found = std::max(found, most[base_of(place)] + (has_value(units_[place]) ? 1 : 0));
      }
      most[visit.base] = found;
      path.pop_back();
    }
    return most[root];
  }

  std::vector<std::uint32_t> units_;
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> children_;
};

/// The size of a trie, the trie, and what its values are places in: texts that end with a NUL.
bool is_sound_table(std::string_view table) {
  if (table.empty()) return true;
  if (table.size() < 4) return false;
  std::uint32_t size = 0;
  for (std::size_t place = 4; place-- > 0;)
    size = (size << 8) | static_cast<unsigned char>(table[place]);
  table.remove_prefix(4);
  if (size >= table.size() || table.back() != '\0') return false;
  return Trie(table.substr(0, size)).is_sound(table.size() - size);
}

}  // namespace

std::string find_tokenizer_damage(std::string_view model) {
  MessageReader fields(model);
  while (fields.next()) {
    if (fields.number() != kNormalizerField && fields.number() != kDenormalizerField) continue;
    MessageReader normalizer(fields.content());
    while (normalizer.next()) {
      if (normalizer.number() == kTableField && !is_sound_table(normalizer.content()))
        return "its table of characters is damaged";
    }
    if (normalizer.is_damaged()) return "its normaliser is damaged";
  }
  return fields.is_damaged() ? "it is damaged or cut short" : "";
}

}  // namespace dragoman
