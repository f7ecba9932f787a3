// Against the Python original, over text full of odd characters.
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "dragoman/data/metrics/bleu.h"
#include "dragoman/data/metrics/chrf.h"
#include "dragoman/data/metrics/significance.h"
#include "dragoman/data/metrics/ter.h"
#include "dragoman/data/metrics/tokenize.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

namespace {

using nlohmann::json;
using Lines = std::vector<std::string>;
using Sets = std::vector<Lines>;

/// What sacrebleu_reference.py prints; null where Python or sacreBLEU is missing.
json sacrebleu(const std::string& arguments) {
  const std::string python = dragoman_test::python();
  if (python.empty() ||
      std::system(("'" + python + "' -c 'import sacrebleu' 2>/dev/null").c_str()) != 0) {
    WARN("skipped: no Python with sacrebleu (set DRAGOMAN_PYTHON)");
    return {};
  }
  const dragoman_test::TemporaryFolder folder;
  const std::string script = DRAGOMAN_SOURCE_DIR "/tests/metrics/sacrebleu_reference.py";
  const std::string output = folder.path("reference.json");
  REQUIRE(dragoman_test::run_python(script, arguments + " > '" + output + "'") == 0);
  std::ifstream file(output);
  return json::parse(file);
}

/// One metric with its options: name, signature and scores from statistics.
struct Metric {
  std::string name;
  std::string signature;
  std::function<dragoman::Statistics(const Lines&, const Sets&)> statistics;
  dragoman::ScoreFunction score;
  std::function<std::string(std::span<const double>)> details = [](auto) { return ""; };
};

template <typename Enum>
Enum named(const std::string& name) {
  for (const auto& [known, value] : names(Enum{})) {
    if (known == name) return value;
  }
  throw std::runtime_error("no such name: " + name);
}

Metric make_bleu(const json& options, std::int64_t references) {
  dragoman::BleuOptions o;
  o.tokenizer = named<dragoman::BleuTokenizer>(options.value("tokenize", "13a"));
  o.lowercase = options.value("lowercase", false);
  o.smoothing = named<dragoman::BleuSmoothing>(options.value("smooth_method", "exp"));
  if (options.contains("smooth_value") && !options["smooth_value"].is_null())
    o.smoothing_value = options["smooth_value"].get<double>();
  o.effective_order = options.value("effective_order", false);
  o.max_order = options.value("max_ngram_order", 4);
  return {"BLEU", bleu_signature(o, references),
          [o](const Lines& lines, const Sets& sets) { return bleu_statistics(lines, sets, o); },
          [o](auto sums) { return bleu_from_statistics(sums, o).score; },
          [o](auto sums) { return bleu_from_statistics(sums, o).details(); }};
}

Metric make_chrf(const json& options, std::int64_t references) {
  dragoman::ChrfOptions o;
  o.char_order = options.value("char_order", 6);
  o.word_order = options.value("word_order", 0);
  o.beta = options.value("beta", 2);
  o.lowercase = options.value("lowercase", false);
  o.whitespace = options.value("whitespace", false);
  o.epsilon_smoothing = options.value("eps_smoothing", false);
  return {chrf_name(o), chrf_signature(o, references),
          [o](const Lines& lines, const Sets& sets) { return chrf_statistics(lines, sets, o); },
          [o](auto sums) { return chrf_from_statistics(sums, o).score; }};
}

Metric make_ter(const json& options, std::int64_t references) {
  dragoman::TerOptions o;
  o.normalized = options.value("normalized", false);
  o.no_punctuation = options.value("no_punct", false);
  o.asian_support = options.value("asian_support", false);
  o.case_sensitive = options.value("case_sensitive", false);
  return {"TER", ter_signature(o, references),
          [o](const Lines& lines, const Sets& sets) { return ter_statistics(lines, sets, o); },
          [](auto sums) { return dragoman::ter_from_statistics(sums).score; }};
}

Metric make_metric(const json& metric, const json& options, std::int64_t references) {
  if (metric == "BLEU") return make_bleu(options, references);
  if (metric == "CHRF") return make_chrf(options, references);
  return make_ter(options, references);
}

Lines chosen_lines(const json& lines, const json& chosen) {
  Lines result;
  for (const auto& index : chosen)
    result.push_back(lines[index.get<std::size_t>()]);
  return result;
}

std::string without_version(const std::string& signature) {
  return signature.substr(0, signature.find("|version:"));
}

void compare_scores(const json& document) {
  double worst = 0.0;
  for (const auto& wanted : document["cases"]) {
    const auto references = wanted["references"].get<std::size_t>();
    const Metric metric =
        make_metric(wanted["metric"], wanted["options"], static_cast<std::int64_t>(references));
    Sets sets;
    for (std::size_t set = 0; set < references; ++set)
      sets.push_back(chosen_lines(document["references"][set], wanted["chosen"]));
    const Lines hypotheses = chosen_lines(document["hypotheses"], wanted["chosen"]);
    INFO(wanted["metric"] << ' ' << wanted["options"] << " references: " << references);
    const dragoman::Statistics statistics = metric.statistics(hypotheses, sets);
    const std::vector<double> sums = statistics.sum();
    worst = std::max(worst, std::abs(metric.score(sums) - wanted["score"].get<double>()));
    CHECK(metric.score(sums) == Approx(wanted["score"].get<double>()).epsilon(0).margin(1e-9));
    CHECK(metric.name == wanted["name"]);
    CHECK(metric.details(sums) == wanted["details"]);
    CHECK(without_version(metric.signature) == without_version(wanted["signature"]));
    for (std::size_t sentence = 0; sentence < hypotheses.size(); ++sentence) {
      const double expected = wanted["sentences"][sentence];
      const double score = metric.score(statistics.row(static_cast<std::int64_t>(sentence)));
      worst = std::max(worst, std::abs(score - expected));
      if (std::abs(score - expected) <= 1e-9) continue;
      CAPTURE(hypotheses[sentence], sets[0][sentence]);
      CHECK(score == expected);
    }
  }
  INFO("greatest difference " << worst);
  CHECK(worst < 1e-9);
}

}  // namespace

TEST_CASE("every metric with every option equals sacreBLEU on odd text") {
  const json document = sacrebleu("scores 10 1");
  if (!document.is_null()) compare_scores(document);
}

TEST_CASE("every metric with every option equals sacreBLEU on much odd text", "[.slow]") {
  for (const char* arguments : {"scores 200 2", "scores 200 3"}) {
    const json document = sacrebleu(arguments);
    if (!document.is_null()) compare_scores(document);
  }
}

TEST_CASE("intervals and p-values are sacreBLEU's up to sampling noise", "[.slow]") {
  const json document = sacrebleu("sampling 150 4");
  if (document.is_null()) return;
  const Lines hypotheses = document["hypotheses"];
  const Sets references = document["references"];
  for (const auto& wanted : document["cases"]) {
    const Metric metric = make_metric(
        wanted["metric"], wanted["metric"] == "CHRF" ? json{{"word_order", 2}} : json::object(), 2);
    INFO(wanted["metric"]);
    const auto statistics = metric.statistics(hypotheses, references);
    const auto interval = bootstrap_confidence(statistics, metric.score);
    const double half_width = wanted["half_width"];
    CHECK(interval.mean == Approx(wanted["mean"].get<double>()).margin(0.15 * half_width));
    CHECK(interval.half_width == Approx(half_width).epsilon(0.15));
    for (std::size_t pair = 0; pair < wanted["pairs"].size(); ++pair) {
      const auto other = metric.statistics(document["others"][pair].get<Lines>(), references);
      const auto bootstrap = paired_bootstrap(statistics, other, metric.score);
      const double p = paired_randomization(statistics, other, metric.score, {.samples = 2000});
      CHECK(bootstrap.p_value == Approx(wanted["pairs"][pair]["bs"].get<double>()).margin(0.06));
      CHECK(p == Approx(wanted["pairs"][pair]["ar"].get<double>()).margin(0.05));
    }
  }
}

TEST_CASE("lower case, white space and classes of all characters are Python's", "[.slow]") {
  const json document = sacrebleu("characters");
  if (document.is_null()) return;
  std::map<char32_t, std::pair<std::string, std::string>> special;
  for (const auto& entry : document["characters"])
    special[entry[0].get<char32_t>()] = {entry[1], entry[2]};
  int differences = 0;
  for (const auto& assigned : document["assigned"]) {
    const auto point = assigned.get<char32_t>();
    if (point >= 0xd800 && point < 0xe000) continue;
    const std::u32string text(1, point);
    const auto found = special.find(point);
    const std::string lower =
        found == special.end() ? dragoman::to_utf8(text) : found->second.first;
    const std::string kinds = found == special.end() ? "" : found->second.second;
    const auto kind = [&](char name) { return kinds.find(name) != std::string::npos; };
    bool same = dragoman::to_utf8(dragoman::to_lower(text)) == lower;
    same = same && dragoman::is_space(point) == kind('w');
    // A letter on either side shows what the international tokeniser takes the character for.
    const std::u32string between = U"a" + text + U"a";
    const auto tokenized = tokenize_for_bleu(between, dragoman::BleuTokenizer::intl);
    same = same && (tokenized.size() > 3) == (kind('P') || kind('S'));
    const std::u32string before = text + U",1";
    const auto number = tokenize_for_bleu(before, dragoman::BleuTokenizer::intl);
    same = same && (number == before) == kind('N');
    if (same) continue;
    ++differences;
    UNSCOPED_INFO("U+" << std::hex << static_cast<std::uint32_t>(point));
  }
  CHECK(differences == 0);
}
