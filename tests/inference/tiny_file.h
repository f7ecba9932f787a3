// A model file of the tiny model, texts for it, and results to compare.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "dragoman/inference/translator.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace dragoman_test {

class TinyFile {
 public:
  explicit TinyFile(dragoman::ModelConfig config = tiny_config(60)) {
    save_archive(tiny_archive(tiny_transformer(config)), path());
  }
  [[nodiscard]] std::string path() const { return folder_.path("model.pt"); }

 private:
  TemporaryFolder folder_;
};

/// Lines of very different lengths, made of the tiny corpus.
inline std::vector<std::string> many_lines(std::size_t count) {
  std::vector<std::string> lines;
  for (std::size_t index = 0; index < count; ++index) {
    std::string line = tiny_lines()[index % tiny_lines().size()].substr(index % 5);
    if (index % 7 == 3) line += " " + tiny_lines()[index / 7 % tiny_lines().size()];
    lines.push_back(line);
  }
  return lines;
}

inline void check_same(const dragoman::Translation& one, const dragoman::Translation& other) {
  REQUIRE(one.hypotheses.size() == other.hypotheses.size());
  CHECK(one.status == other.status);
  for (std::size_t rank = 0; rank < one.hypotheses.size(); ++rank) {
    CHECK(one.hypotheses[rank].text == other.hypotheses[rank].text);
    CHECK(std::abs(one.hypotheses[rank].score - other.hypotheses[rank].score) < 1e-5);
  }
}

}  // namespace dragoman_test
