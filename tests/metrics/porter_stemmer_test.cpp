// Stems are NLTK 3.10's.
#include "dragoman/data/metrics/porter_stemmer.h"

#include "tests/support/catch.h"

namespace {

using Stems = std::vector<std::pair<std::string, std::string>>;

void check_stems(const Stems& stems) {
  dragoman::PorterStemmer stemmer;
  for (const auto& [word, stem] : stems) {
    INFO(word);
    CHECK(stemmer.stem(word) == stem);
  }
}

}  // namespace

TEST_CASE("words are stemmed by Porter's rules") {
  check_stems({{"caresses", "caress"},
               {"plastered", "plaster"},
               {"hopping", "hop"},
               {"falling", "fall"},
               {"filing", "file"},
               {"agreed", "agre"},
               {"generalizations", "gener"},
               {"relational", "relat"},
               {"hopefulness", "hope"},
               {"controlling", "control"},
               {"focused", "focus"},
               {"embedding", "embed"},
               {"needed", "need"},
               {"stringing", "string"},
               {"90s", "90"}});
}

TEST_CASE("plurals, participles and y follow NLTK where it departs from Porter") {
  check_stems({{"dies", "die"},
               {"flies", "fli"},
               {"died", "die"},
               {"spied", "spi"},
               {"enjoy", "enjoy"},
               {"enjoyed", "enjoy"},
               {"spy", "spi"},
               {"happy", "happi"},
               {"trekking", "trek"},
               {"trekked", "trek"},
               {"tying", "tie"},
               {"skies", "sky"},
               {"news", "news"},
               {"proceed", "proceed"},
               {"say", "say"},
               {"by", "by"}});
}

TEST_CASE("later rules follow NLTK where it departs from Porter") {
  check_stems({{"possibly", "possibl"},
               {"conditionally", "condit"},
               {"internationally", "intern"},
               {"rationally", "ration"},
               {"hopefully", "hope"},
               {"geology", "geolog"},
               {"theology", "theolog"},
               {"using", "use"},
               {"uses", "use"},
               {"useful", "use"},
               {"wobbliness", "wobbli"},
               {"succeeding", "succeed"}});
}
