#include "dragoman/data/metrics/porter_stemmer.h"

#include <libstemmer.h>

#include <array>
#include <new>
#include <stdexcept>
#include <utility>

namespace dragoman {
namespace {

constexpr auto kIrregular =
    std::to_array<std::pair<std::string_view, std::string_view>>({{"skies", "sky"},
                                                                  {"sky", "sky"},
                                                                  {"dying", "die"},
                                                                  {"lying", "lie"},
                                                                  {"tying", "tie"},
                                                                  {"news", "news"},
                                                                  {"innings", "inning"},
                                                                  {"inning", "inning"},
                                                                  {"outings", "outing"},
                                                                  {"outing", "outing"},
                                                                  {"cannings", "canning"},
                                                                  {"canning", "canning"},
                                                                  {"howe", "howe"},
                                                                  {"proceed", "proceed"},
                                                                  {"exceed", "exceed"},
                                                                  {"succeed", "succeed"}});

std::string_view without_end(std::string_view word, std::size_t letters) {
  return word.substr(0, word.size() - letters);
}

/// A c for each consonant, a v for each vowel; y is a vowel after a consonant.
std::string sounds(std::string_view word) {
  std::string result;
  for (const char letter : word) {
    const bool is_vowel = std::string_view("aeiou").find(letter) != std::string_view::npos ||
                          (letter == 'y' && result.ends_with('c'));
    result += is_vowel ? 'v' : 'c';
  }
  return result;
}

/// How often a consonant follows a vowel: Porter's m.
int measure(std::string_view word) {
  const std::string pattern = sounds(word);
  int count = 0;
  for (auto found = pattern.find("vc"); found != std::string::npos;
       found = pattern.find("vc", found + 2))
    ++count;
  return count;
}

/// Porter's *o; NLTK has it hold for words like "us" too.
bool ends_short(std::string_view word) {
  const std::string pattern = sounds(word);
  return pattern == "vc" || (pattern.ends_with("cvc") && !word.ends_with('w') &&
                             !word.ends_with('x') && !word.ends_with('y'));
}

/// Step 1a. NLTK: "ties" gives "tie", while "flies" gives "fli".
std::string_view without_plural(std::string_view word) {
  if (word.size() == 4 && word.ends_with("ies")) return without_end(word, 1);
  if (word.ends_with("sses") || word.ends_with("ies")) return without_end(word, 2);
  if (word.ends_with('s') && !word.ends_with("ss")) return without_end(word, 1);
  return word;
}

/// Step 1b. NLTK: "died" gives "die", while "spied" gives "spi".
std::string without_participle(std::string_view word) {
  if (word.ends_with("ied")) return std::string(without_end(word, word.size() == 4 ? 1 : 2));
  if (word.ends_with("eed"))
    return std::string(measure(without_end(word, 3)) > 0 ? without_end(word, 1) : word);
  const std::size_t ending = word.ends_with("ed") ? 2 : word.ends_with("ing") ? 3 : 0;
  const std::string_view base = without_end(word, ending);
  const std::string pattern = sounds(base);
  if (ending == 0 || pattern.find('v') == std::string::npos) return std::string(word);
  if (base.ends_with("at") || base.ends_with("bl") || base.ends_with("iz"))
    return std::string(base) + 'e';
  const char last = base.back();
  if (base.size() > 1 && base[base.size() - 2] == last && pattern.back() == 'c') {
    const bool stays = last == 'l' || last == 's' || last == 'z';
    return std::string(without_end(base, stays ? 0 : 1));
  }
  return std::string(base) + (measure(base) == 1 && ends_short(base) ? "e" : "");
}

/// Step 1c. NLTK: after a consonant that is not the first letter, vowels or no vowels before it.
void replace_final_y(std::string& word) {
  if (word.size() > 2 && word.ends_with('y') && sounds(word)[word.size() - 2] == 'c')
    word.back() = 'i';
}

/// What NLTK has in step 2 beside Porter's rules. Porter's see the result of the first once more.
void apply_own_rules(std::string& word) {
  const auto follows_measure = [&word](std::string_view ending, std::size_t letters) {
    return word.ends_with(ending) && measure(without_end(word, letters)) > 0;
  };
  if (follows_measure("alli", 4) || follows_measure("fulli", 5)) {
    word.resize(word.size() - 2);
  } else if (follows_measure("bli", 3)) {
    word.back() = 'e';
  } else if (follows_measure("logi", 3)) {
    word.pop_back();
  }
}

}  // namespace

PorterStemmer::PorterStemmer() : snowball_(sb_stemmer_new("porter", nullptr), sb_stemmer_delete) {
  if (!snowball_) throw std::runtime_error("this libstemmer has no Porter stemmer");
}

std::string PorterStemmer::stem(std::string_view word) {
  for (const auto& [form, stem] : kIrregular) {
    if (word == form) return std::string(stem);
  }
  if (word.size() <= 2) return std::string(word);
  std::string rest = without_participle(without_plural(word));
  replace_final_y(rest);
  if (rest.ends_with('y')) return rest;  // no later rule is for it; Snowball's step 1 would be
  apply_own_rules(rest);
  // Snowball goes through step 1 again. That changes nothing but words with these endings, and
  // whole words with them come out of it as they came out of ours.
  const bool changes_again = rest.ends_with('s') || rest.ends_with("ed") || rest.ends_with("ing");
  std::string stem = snowball_stem(changes_again ? word : rest);
  // Step 5: NLTK leaves the e of "use".
  if (stem.size() == 2 && rest.size() > 2 && rest[2] == 'e' && sounds(stem) == "vc") stem += 'e';
  return stem;
}

std::string PorterStemmer::snowball_stem(std::string_view word) {
  const auto* letters = reinterpret_cast<const sb_symbol*>(word.data());
  const sb_symbol* stem = sb_stemmer_stem(snowball_.get(), letters, static_cast<int>(word.size()));
  if (stem == nullptr) throw std::bad_alloc();
  return {reinterpret_cast<const char*>(stem),
          static_cast<std::size_t>(sb_stemmer_length(snowball_.get()))};
}

}  // namespace dragoman
