#include "examples/demo/chooser.h"

#include <algorithm>

#include "examples/demo/unusual_words.h"

namespace demo {

namespace {

struct ListedName {
  std::string_view text;
  bool is_female;
};

constexpr ListedName kFirstNames[] = {
    {"Anna", true},     {"Maria", true},      {"Laura", true},   {"Julia", true},
    {"Sophie", true},   {"Clara", true},      {"Emma", true},    {"Hannah", true},
    {"Lena", true},     {"Katharina", true},  {"Sabine", true},  {"Petra", true},
    {"Monika", true},   {"Susanne", true},    {"Eva", true},     {"Martha", true},
    {"Nina", true},     {"Paula", true},      {"Greta", true},   {"Olivia", true},
    {"Amelie", true},   {"Helene", true},     {"Johanna", true}, {"Carla", true},
    {"Fatima", true},   {"Irina", true},      {"Yasmin", true},  {"Ingrid", true},
    {"Peter", false},   {"Paul", false},      {"Martin", false}, {"Stefan", false},
    {"Michael", false}, {"Andreas", false},   {"Daniel", false}, {"David", false},
    {"Simon", false},   {"Jakob", false},     {"Jonas", false},  {"Felix", false},
    {"Oliver", false},  {"Robert", false},    {"Walter", false}, {"Karl", false},
    {"Otto", false},    {"Friedrich", false}, {"Georg", false},  {"Wilhelm", false},
    {"Bernd", false},   {"Ahmed", false},     {"Pavel", false},  {"Luca", false},
    {"Erik", false},    {"Anton", false},     {"Emil", false},   {"Konrad", false},
    {"Theresa", true},  {"Renate", true},     {"Gisela", true},  {"Ulrike", true},
    {"Dorothea", true}, {"Mila", true},       {"Frieda", true},  {"Elena", true},
    {"Viktor", false},  {"Rainer", false},    {"Gustav", false}, {"Henrik", false},
    {"Matteo", false},  {"Ludwig", false},    {"Samuel", false}, {"Arthur", false},
    {"Birgit", true},   {"Miriam", true},     {"Rosa", true},    {"Silke", true},
    {"Norbert", false}, {"Manfred", false},   {"Kurt", false},   {"Richard", false},
};

// Of invented first names.
constexpr std::string_view kFemaleEndings[] = {"a", "ina", "ette", "hild", "gard", "enne", "ika"};
constexpr std::string_view kMaleEndings[] = {"o", "bert", "win", "fried", "mar", "ian", "ek"};

constexpr std::string_view kOnsets[] = {"B",  "Br", "D", "F", "G", "Gr", "H", "K",
                                        "Kl", "L",  "M", "N", "P", "R",  "S", "Sch",
                                        "St", "T",  "V", "W", "Z", "Kr"};
constexpr std::string_view kVowels[] = {"a", "e", "i", "o", "u", "ei", "au", "ie"};
constexpr std::string_view kCodas[] = {"l",  "n",  "r",  "m",  "ll", "nn",
                                       "rt", "nd", "lk", "tz", "ng", "b"};
constexpr std::string_view kSurnameEndings[] = {"mann",  "er", "berg", "stein",  "feld", "meier",
                                                "inger", "ke", "sen",  "bacher", "wald", "hofer"};
constexpr std::string_view kTownEndings[] = {"dorf",    "hausen", "heim",  "burg", "stedt",
                                             "kirchen", "hofen",  "walde", "tal",  "ingen"};
constexpr int kInventedFirstNames = 70;    // percent
constexpr std::uint64_t kUnseenShare = 5;  // one in so many is kept from training

// In small letters, without the marks that separate digits.
std::string without_marks(std::string_view text) {
  std::string plain;
  for (const char letter : text) {
    if (letter == ',' || letter == '.') continue;
    plain += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  }
  return plain;
}

}  // namespace

std::string_view name(WordKind kind) {
  constexpr std::string_view kNames[] = {"name", "number", "emoji", "script"};
  return kNames[static_cast<std::size_t>(kind)];
}

Part part_of(std::string_view word) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char letter : word) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
  }
  return dragoman::Random(hash).below(kUnseenShare) == 0 ? Part::unseen : Part::seen;
}

FirstName Chooser::first_name() {
  if (chance(kInventedFirstNames)) {
    const bool is_female = chance(50);
    return {is_female ? made_up(kFemaleEndings) : made_up(kMaleEndings), is_female};
  }
  for (;;) {
    const ListedName& name = pick(kFirstNames);
    if (part_of(name.text) != part_) continue;
    specials_.push_back({WordKind::name, std::string(name.text)});
    return {std::string(name.text), name.is_female};
  }
}

std::string Chooser::made_up(std::span<const std::string_view> endings) {
  for (;;) {
    std::string name;
    for (const auto part : {pick(kOnsets), pick(kVowels), pick(kCodas), pick(endings)})
      name += part;
    if (part_of(name) != part_) continue;
    specials_.push_back({WordKind::name, name});
    return name;
  }
}

std::string Chooser::surname() {
  return has_unusual_names_ ? unusual_name() : made_up(kSurnameEndings);
}
std::string Chooser::town() {
  return has_unusual_names_ ? unusual_name() : made_up(kTownEndings);
}

std::string Chooser::special(WordKind kind, std::string (*make)(dragoman::Random& random)) {
  for (;;) {
    std::string word = make(random_);
    if (part_of(word) != part_) continue;
    specials_.push_back({kind, word});
    return word;
  }
}

std::string Chooser::unusual_name() {
  return chance(60) ? special(WordKind::script, script_word)
                    : special(WordKind::name, foreign_name);
}
std::string Chooser::emoji() {
  return special(WordKind::emoji, demo::emoji);
}
std::string Chooser::odd_token() {
  return special(WordKind::number, demo::odd_token);
}

std::int64_t Chooser::number(std::int64_t first, std::int64_t last) {
  for (;;) {
    const std::int64_t value = between(first, last);
    if (value < 100) return value;
    if (part_of(std::to_string(value)) == part_) {
      return value;
    }
  }
}

bool Chooser::shows_special(std::string_view text) const {
  const std::string plain = without_marks(text);
  return std::any_of(specials_.begin(), specials_.end(), [&](const SpecialWord& special) {
    return plain.find(without_marks(special.text)) != std::string::npos;
  });
}

std::string Chooser::letters(int count) {
  std::string text;
  for (int letter = 0; letter < count; ++letter)
    text += static_cast<char>('A' + between(0, 25));
  return text;
}

}  // namespace demo
