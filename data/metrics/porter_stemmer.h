// English word stems as NLTK's PorterStemmer gives them in its default mode: what rouge-score stems
// with.
//
//   PorterStemmer stemmer;
//   stemmer.stem("conditionally");  // "condit"
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct sb_stemmer;

namespace dragoman {

/// NLTK extends Porter's algorithm (1980) in step 1 (plurals, -ed, -ing, -y), which is here in
/// NLTK's form, and adds four rules to step 2 and one to step 5; the rest is Snowball's. One thread
/// at a time.
class PorterStemmer {
 public:
  PorterStemmer();

  /// `word`: letters a to z and digits.
  [[nodiscard]] std::string stem(std::string_view word);

 private:
  [[nodiscard]] std::string snowball_stem(std::string_view word);

  std::unique_ptr<sb_stemmer, void (*)(sb_stemmer*)> snowball_;
};

}  // namespace dragoman
