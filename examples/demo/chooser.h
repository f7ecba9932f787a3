// Draws words, names and numbers. Names, emoji, and tokens with three digits or more, are split for
// good into those that training may see and those that are kept for the tests on unseen words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/random.h"

namespace demo {

enum class Part { seen, unseen };

/// Which part a name, or the digits of a number, belongs to. The same on every machine.
[[nodiscard]] Part part_of(std::string_view word);

/// What a model can only copy.
enum class WordKind { name, number, emoji, script };
[[nodiscard]] std::string_view name(WordKind kind);

struct SpecialWord {
  WordKind kind = WordKind::name;
  std::string text;
};

struct FirstName {
  std::string text;
  bool is_female;
};

class Chooser {
 public:
  Chooser(dragoman::Random random, Part part) : random_(random), part_(part) {}

  [[nodiscard]] std::int64_t between(std::int64_t first, std::int64_t last) {
    return first +
           static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(last - first + 1)));
  }
  [[nodiscard]] bool chance(int percent) { return between(1, 100) <= percent; }

  template <typename Range>
  [[nodiscard]] const auto& pick(const Range& range) {
    return range[random_.below(std::size(range))];
  }

  // What follows comes from the chooser's part only.
  [[nodiscard]] FirstName first_name();
  [[nodiscard]] std::string surname();
  [[nodiscard]] std::string town();  ///< a made-up one, the same in both languages
  /// A number between `first` and `last` whose digits are of this part if there are three or more.
  [[nodiscard]] std::int64_t number(std::int64_t first, std::int64_t last);
  [[nodiscard]] std::string letters(int count);  ///< capitals, as in reference numbers

  /// From now on surnames and towns are unusual_name().
  void make_names_unusual() { has_unusual_names_ = true; }
  [[nodiscard]] std::string unusual_name();  ///< of another script, or with rare letters
  [[nodiscard]] std::string emoji();
  [[nodiscard]] std::string odd_token();  ///< a code of letters, digits and signs

  /// What was drawn, some of it in vain; numbers only as odd tokens.
  [[nodiscard]] std::span<const SpecialWord> specials() const { return specials_; }
  /// Whether any of it stands in the text, no matter the case.
  [[nodiscard]] bool shows_special(std::string_view text) const;

 private:
  std::string made_up(std::span<const std::string_view> endings);
  /// Draws until the word is of this part.
  std::string special(WordKind kind, std::string (*make)(dragoman::Random& random));

  dragoman::Random random_;
  Part part_;
  bool has_unusual_names_ = false;
  std::vector<SpecialWord> specials_;
};

}  // namespace demo
