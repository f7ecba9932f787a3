// dragoman evaluate, run as a user runs it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/program.h"

using Catch::Matchers::Contains;
using dragoman_test::run_program;
using dragoman_test::TemporaryFolder;
using nlohmann::json;

namespace {

const std::string kVersion = "|version:dragoman-" DRAGOMAN_VERSION;

TemporaryFolder& folder() {
  static TemporaryFolder shared;
  static const bool written = [] {
    shared.write("ref", "a b c d e\nthe cat sat on the mat.\nx y z\n");
    shared.write("ref2", "a b c d\nthe cat sat on a mat.\nx y z w\n");
    shared.write("hyp", "a b x d e\nthe cat sat on the mat.\nx y z\n");
    shared.write("worse", "q b x d q\nthe dog sat at the mat.\nz y x\n");
    shared.write("short", "a b\nc\n");
    shared.write("empty", "");
    shared.write("latin", "a\nb \xe9\nc\n");
    return true;
  }();
  (void)written;
  return shared;
}

dragoman_test::ProgramResult evaluate(const std::string& arguments) {
  return run_program(folder(), "evaluate " + arguments);
}

std::ptrdiff_t lines_of(const std::string& text) {
  return std::ranges::count(text, '\n');
}

}  // namespace

TEST_CASE("evaluate prints score, signature and details as sacreBLEU does", "[program]") {
  const auto result = evaluate("--hypotheses hyp --references ref");
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(result.out == "BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp" + kVersion +
                          " = 76.68 93.3/83.3/66.7/66.7 (BP = 1.000 ratio = 1.000 hyp_len = 15 "
                          "ref_len = 15)\n");
}

TEST_CASE("evaluate aligns several metrics and counts references", "[program]") {
  const auto result =
      evaluate("--hypotheses hyp --references ref ref2 --metrics bleu,chrf++,ter --width 1");
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(lines_of(result.out) == 3);
  CHECK_THAT(result.out, Contains("BLEU|nrefs:2|"));
  CHECK_THAT(result.out, Contains("chrF2++|nrefs:2|case:mixed|eff:yes|nc:6|nw:2|space:no"));
  // One edit; the mean references have 4.5, 6 and 3.5 words.
  CHECK_THAT(result.out, Contains("TER|nrefs:2|case:lc|tok:tercom|norm:no|punct:yes|asian:no" +
                                  kVersion + " = 7.1\n"));
  const auto equals = result.out.find(" = ");
  const auto second = result.out.find('\n') + 1;
  CHECK(result.out.find(" = ", second) - second == equals);
}

TEST_CASE("evaluate writes JSON with unrounded scores", "[program]") {
  const auto result = evaluate(
      "--hypotheses - --references ref --tokenize char --lowercase --confidence 50 --format json "
      "<hyp");
  INFO(result.err);
  REQUIRE(result.status == 0);
  const json document = json::parse(result.out);
  CHECK(document["name"] == "BLEU");
  CHECK(document["score"].get<double>() > 90.0);
  CHECK(document["tok"] == "char");
  CHECK(document["case"] == "lc");
  CHECK(document["bs"] == "50");
  CHECK(document["confidence_var"].get<double>() > 0.0);
  CHECK_THAT(document["verbose_score"].get<std::string>(), Contains("BP = "));
}

TEST_CASE("evaluate --confidence takes 1000 samples unless told", "[program]") {
  const auto result = evaluate("--confidence --hypotheses hyp --references ref");
  CHECK_THAT(result.out, Contains("|bs:1000|seed:12345|") && Contains(" (μ = "));
}

TEST_CASE("evaluate compares systems with the first", "[program]") {
  const auto files = std::string("--hypotheses hyp worse --references ref --metrics bleu,chrf ");
  const auto table = evaluate(files);
  CHECK_THAT(table.out, Contains("\nhyp ") && Contains("\nworse "));
  CHECK_THAT(table.out, !Contains("p = "));
  const auto bootstrap = evaluate(files + "--paired bootstrap --trials 200");
  CHECK_THAT(bootstrap.out, Contains("Baseline: hyp ") && Contains("|bs:200|seed:12345|"));
  const auto exchanged = evaluate(files + "--paired randomization --format json --seed 3");
  INFO(exchanged.err);
  REQUIRE(exchanged.status == 0);
  const json document = json::parse(exchanged.out);
  REQUIRE(document.size() == 2);
  CHECK_FALSE(document[0]["BLEU"].contains("p_value"));
  CHECK(document[1]["system"] == "worse");
  const double p_value = document[1]["chrF2"]["p_value"];
  CHECK(p_value > 0.0);
  CHECK(p_value < 1.0);
  CHECK_THAT(document[1]["chrF2"]["signature"].get<std::string>(), Contains("|ar:10000|seed:3|"));
}

TEST_CASE("evaluate scores each sentence", "[program]") {
  const auto text = evaluate("--sentence-level --hypotheses hyp --references ref");
  CHECK(lines_of(text.out) == 3);
  CHECK_THAT(text.out, Contains("eff:yes") && Contains(" = 100.00 100.0/100.0/100.0"));
  const auto result = evaluate(
      "--sentence-level --format json --metrics chrf,ter --hypotheses hyp --references ref");
  REQUIRE(lines_of(result.out) == 3);
  const json first = json::parse(result.out.substr(0, result.out.find('\n')));
  CHECK(first["line"] == 1);
  CHECK(first["TER"]["score"] == 20.0);
}

TEST_CASE("evaluate prints ROUGE with what it was computed by", "[program]") {
  folder().write("summary", "police kill the gunman<q>he ran\na\n");
  folder().write("gold", "he ran<q>police killed the gunman\na\n");
  const auto files = std::string("evaluate --hypotheses summary --references gold ");
  const auto result = run_program(folder(), files + "--metrics rouge,rouge3 --rouge-stemmer");
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK(result.err.empty());
  CHECK(lines_of(result.out) == 5);
  const std::string fields = "|nrefs:1|case:lc|tok:rouge-score-0.1.2|stem:porter";
  // Unsplit, "q" is a word of the first line: 7 of 7 words, 4 of 6 bigrams, 2 of 5 trigrams and a
  // subsequence of 4 words are common. The second line is too short for bigrams.
  CHECK_THAT(result.out, Contains("rouge1" + fields + kVersion + " = 100.00 (P = 100.00"));
  CHECK_THAT(result.out, Contains("rouge2" + fields + kVersion + " = 33.33 (P = 33.33"));
  CHECK_THAT(result.out, Contains("rougeL" + fields + kVersion + " = 78.57"));
  CHECK_THAT(result.out, Contains("rougeLsum" + fields + "|sents:newline" + kVersion + " = 78.57"));
  CHECK_THAT(result.out, Contains("rouge3" + fields + kVersion + " = 20.00"));
  const auto split = run_program(
      folder(),
      files + "--metrics rougeLsum --sentence-separator '<q>' --format json --confidence");
  INFO(split.err);
  REQUIRE(split.status == 0);
  const json document = json::parse(split.out);
  CHECK(document["name"] == "rougeLsum");
  CHECK(document["stem"] == "no");
  CHECK(document["sents"] == "marked");
  CHECK(document["score"].get<double>() == Approx(100 * (5.0 / 6 + 1) / 2));
  CHECK(document["confidence_var"].get<double>() > 0.0);
}

TEST_CASE("evaluate tells of references in which ROUGE sees no words", "[program]") {
  folder().write("chinese", "你好 世界\nhello\n\n");
  const auto files = std::string("--hypotheses chinese --references chinese --metrics ");
  CHECK_THAT(evaluate(files + "rouge1").err, Contains("chinese: 1 of 3 lines have no letter"));
  CHECK(evaluate(files + "bleu").err.empty());
}

TEST_CASE("evaluate names both files and both counts when lines do not match", "[program]") {
  const auto result = evaluate("--hypotheses hyp short --references ref");
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Contains("short: 2 lines, but ref has 3"));
  CHECK(result.out.empty());
  const auto reference = evaluate("--hypotheses hyp --references ref short");
  CHECK(reference.status == 3);
  CHECK_THAT(reference.err, Contains("short: 2 lines, but ref has 3"));
}

TEST_CASE("evaluate refuses empty, missing and undecodable files", "[program]") {
  CHECK(evaluate("--hypotheses empty --references empty").status == 3);
  const auto missing = evaluate("--hypotheses nowhere --references ref");
  CHECK(missing.status == 3);
  CHECK_THAT(missing.err, Contains("nowhere"));
  const auto latin = evaluate("--hypotheses latin --references ref");
  CHECK(latin.status == 3);
  CHECK_THAT(latin.err, Contains("latin:2"));
  CHECK(evaluate("--hypotheses latin --references ref --invalid-text replace").status == 0);
}

TEST_CASE("evaluate says which flags do not go together", "[program]") {
  const std::pair<const char*, const char*> cases[] = {
      {"--hypotheses hyp --references ref --paired bootstrap", "--hypotheses has one file"},
      {"--hypotheses - --references -", "standard input is given more than once"},
      {"--hypotheses hyp --references ref --trials 5", "--trials belongs to --paired"},
      {"--hypotheses hyp --references ref --smoothing-value 1", "no meaning for --smoothing exp"},
      {"--hypotheses hyp worse --references ref --sentence-level", "takes one file"},
      {"--hypotheses hyp --references ref --sentence-level --confidence", "has no --confidence"},
      {"--hypotheses hyp --references ref --sentence-separator ''",
       "--sentence-separator is empty"},
      {"--hypotheses hyp --references ref --metrics rouge0", "rouge0"},
      {"--hypotheses hyp --references ref --metrics blue", "blue"}};
  for (const auto& [arguments, message] : cases) {
    const auto result = evaluate(arguments);
    INFO(arguments);
    CHECK(result.status == 2);
    CHECK_THAT(result.err, Contains(message));
  }
}

TEST_CASE("evaluate warns of text that looks tokenised", "[program]") {
  std::string tokenized;
  for (int line = 0; line < 100; ++line)
    tokenized += "a b c d .\n";
  folder().write("tokenized", tokenized);
  const auto files = std::string("--hypotheses tokenized --references tokenized ");
  CHECK_THAT(evaluate(files).err, Contains("tokenized: 100 lines or more end in ' .'"));
  CHECK(evaluate(files + "--tokenized").err.empty());
  CHECK(evaluate(files + "--metrics chrf").err.empty());
}
