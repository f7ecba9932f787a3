// Against the Python original, over text full of odd characters.
#include <sys/wait.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "dragoman/data/metrics/porter_stemmer.h"
#include "dragoman/data/metrics/rouge.h"
#include "dragoman/data/metrics/tokenize.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

namespace {

using nlohmann::json;
using Lines = std::vector<std::string>;
using Sets = std::vector<Lines>;

constexpr int kMissing = 77;

/// What rouge_score_reference.py prints; null where Python or rouge-score is missing.
json rouge_score(const std::string& arguments) {
  const dragoman_test::TemporaryFolder folder;
  const std::string script = DRAGOMAN_SOURCE_DIR "/tests/metrics/rouge_score_reference.py";
  const std::string output = folder.path("reference.json");
  const int status =
      dragoman_test::python().empty()
          ? kMissing
          : WEXITSTATUS(dragoman_test::run_python(script, arguments + " > '" + output + "'"));
  if (status == kMissing) {
    WARN("skipped: no Python with rouge-score (set DRAGOMAN_PYTHON)");
    return {};
  }
  REQUIRE(status == 0);
  std::ifstream file(output);
  return json::parse(file);
}

dragoman::RougeOptions options_of(const json& wanted) {
  const std::string type = wanted["type"];
  dragoman::RougeOptions options{.stemmer = wanted["stemmer"]};
  if (type == "rougeL") {
    options.unit = dragoman::RougeUnit::subsequence;
  } else if (type == "rougeLsum") {
    options.unit = dragoman::RougeUnit::sentences;
  } else {
    options.order = type.back() - '0';
  }
  return options;
}

void compare_scores(const json& document) {
  const Lines hypotheses = document["hypotheses"];
  const Sets references = document["references"];
  for (const auto& wanted : document["cases"]) {
    const auto options = options_of(wanted);
    const auto count = wanted["references"].get<std::size_t>();
    INFO(wanted["type"] << " stemmer: " << wanted["stemmer"] << " references: " << count);
    const auto statistics = rouge_statistics(
        hypotheses, dragoman::ReferenceSets(references).subspan(0, count), options);
    CHECK(rouge_name(options) == wanted["type"]);
    CHECK(dragoman::rouge_from_statistics(statistics.sum()).score ==
          Approx(100.0 * wanted["mean"].get<double>()).epsilon(0).margin(1e-9));
    for (std::size_t text = 0; text < hypotheses.size(); ++text) {
      const auto row = statistics.row(static_cast<std::int64_t>(text));
      const std::vector<double> expected = wanted["rows"][text];
      INFO(json(hypotheses[text]) << " against " << json(references[0][text]));
      for (std::size_t figure = 0; figure < 3; ++figure)
        CHECK(row[figure + 1] == Approx(expected[figure]).epsilon(0).margin(1e-13));
    }
  }
}

void compare_stems(const json& document) {
  dragoman::PorterStemmer stemmer;
  for (const auto& entry : document["stems"]) {
    if (stemmer.stem(entry[0].get<std::string>()) != entry[1])
      FAIL_CHECK(entry << " but we have " << stemmer.stem(entry[0].get<std::string>()));
  }
  CHECK(document["stems"].size() > 1000);
}

}  // namespace

TEST_CASE("ROUGE and stems equal rouge-score's") {
  const json document = rouge_score("60 5000 1");
  if (document.is_null()) return;
  compare_scores(document);
  compare_stems(document);
}

TEST_CASE("ROUGE and stems equal rouge-score's on much odd text", "[.slow]") {
  for (const char* arguments : {"600 200000 2", "600 200000 3"}) {
    const json document = rouge_score(arguments);
    if (document.is_null()) return;
    compare_scores(document);
    compare_stems(document);
  }
}

TEST_CASE("ROUGE takes every character as rouge-score does", "[.slow]") {
  const json document = rouge_score("characters");
  if (document.is_null()) return;
  std::map<std::uint32_t, Lines> special;
  for (const auto& entry : document["characters"])
    special[entry[0]] = entry[1].get<Lines>();
  CHECK(special.size() == 64);  // 10 digits, 52 letters, the Kelvin sign, the dotted I
  int differences = 0;
  for (std::uint32_t point = 0; point < 0x110000; ++point) {
    if (point >= 0xd800 && point < 0xe000) continue;
    const auto found = special.find(point);
    const Lines expected = found == special.end() ? Lines{"a", "b"} : found->second;
    const std::string text = "a" + dragoman::to_utf8(std::u32string(1, point)) + "b";
    if (dragoman::rouge_words(text) == expected) continue;
    ++differences;
    UNSCOPED_INFO("U+" << std::hex << point);
  }
  CHECK(differences == 0);
}
