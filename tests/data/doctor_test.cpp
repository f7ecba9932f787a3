// The checks of `dragoman doctor` on lines and small corpora with planted faults.
#include <algorithm>
#include <string>
#include <vector>

#include "dragoman/data/doctor/copyable.h"
#include "dragoman/data/doctor/examination.h"
#include "dragoman/data/doctor/line_traits.h"
#include "dragoman/data/doctor/pair_sample.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using Catch::Matchers::Contains;
using dragoman::CorpusConfig;
using dragoman::ExaminationRequest;
using dragoman::examine_line;
using dragoman::Finding;
using dragoman::LineTraits;
using dragoman::SetExamination;
using dragoman::Severity;
using dragoman_test::TemporaryFolder;

namespace {

/// 60 harmless pairs, then `more`, as src and tgt of `name`; harmless line n is line n + 1.
CorpusConfig write_corpus(const TemporaryFolder& folder, const std::string& name,
                          const std::vector<std::pair<std::string, std::string>>& more,
                          int harmless = 60) {
  std::string source;
  std::string target;
  for (int line = 0; line < harmless; ++line) {
    const std::string word(static_cast<std::size_t>(line % 7 + 1),
                           static_cast<char>('a' + line % 26));
    source += "the word " + word + " of " + name + ' ' + std::to_string(line) + '\n';
    target += "das Wort " + word + " von " + name + ' ' + std::to_string(line) + '\n';
  }
  for (const auto& [left, right] : more) {
    source += left + '\n';
    target += right + '\n';
  }
  return {.source = folder.write(name + ".src", source),
          .target = folder.write(name + ".tgt", target)};
}

const Finding& found(const SetExamination& set, const std::string& check) {
  const auto finding = std::ranges::find(set.findings, check, &Finding::check);
  if (finding == set.findings.end()) throw std::runtime_error("no finding " + check);
  return *finding;
}

bool has(const SetExamination& set, const std::string& check) {
  return std::ranges::count(set.findings, check, &Finding::check) > 0;
}

/// "train.src:61".
std::string place(const Finding& finding, std::size_t index = 0) {
  const dragoman::Place& example = finding.examples.at(index);
  return example.file.substr(example.file.rfind('/') + 1) + ':' + std::to_string(example.line);
}

SetExamination examine_train(const CorpusConfig& corpus, std::int64_t threads = 1) {
  return dragoman::examine({.train = {corpus}, .threads = threads}).back();
}

}  // namespace

TEST_CASE("a line's script is that of most of its letters", "[doctor]") {
  const auto script = [](const std::string& line) {
    const LineTraits traits = examine_line(line);
    return traits.script == LineTraits::kNoScript ? "" : dragoman::script_name(traits.script);
  };
  CHECK(script("A dog runs.") == "Latin");
  CHECK(script("Ein Hündchen läuft.") == "Latin");
  CHECK(script("Собака бежит, OK?") == "Cyrillic");
  CHECK(script("ο σκύλος") == "Greek");
  CHECK(script("犬が走る。") == "Chinese or Japanese characters");
  CHECK(script("123 -- !?") == "");
}

TEST_CASE("characters that do not belong into a line are found where they stand", "[doctor]") {
  CHECK(examine_line("ab\x01").control == 2);
  CHECK(examine_line("a\xC2\x85").control == 1);
  CHECK(examine_line("a\xE2\x80\xA8").control == 1);
  CHECK(examine_line("a\tb").unusual_space == 1);
  CHECK(examine_line("10\xC2\xA0km").unusual_space == 2);
  CHECK(examine_line("ze\xE2\x80\x8Bro").unusual_space == 2);
  CHECK(examine_line(" a").has_loose_spaces);
  CHECK(examine_line("a ").has_loose_spaces);
  CHECK(examine_line("a  b").has_loose_spaces);
  CHECK(examine_line("\xE3\x80\x80 ").is_blank);
  CHECK(examine_line("").is_blank);
  const LineTraits plain = examine_line("Ein schöner Tag – „ja“, 5 €.");
  CHECK(plain.control == LineTraits::kNone);
  CHECK(plain.unusual_space == LineTraits::kNone);
  CHECK(plain.mojibake == LineTraits::kNone);
  CHECK_FALSE(plain.has_loose_spaces);
  CHECK_FALSE(plain.is_blank);
  CHECK(plain.characters == 28);
}

TEST_CASE("UTF-8 that was read as Windows-1252 is told from words before quotation marks",
          "[doctor]") {
  const auto at = [](const std::string& line) { return examine_line(line).mojibake; };
  CHECK(at("MÃ¼nchen") == 1);
  CHECK(at("itâ€™s") == 2);
  CHECK(at("10 Â°C") == 3);
  CHECK(at("ÐŸÑ€Ð¸Ð²ÐµÑ‚") == 0);
  CHECK(at("a \xEF\xBF\xBD b") == 2);
  for (const char* line :
       {"„Spaß“ und „MENÜ“", "O SÃO «não»", "É “isso”", "Ærø – Ålborg…", "naïve café", "Ðe old ð"})
    CHECK(at(line) == LineTraits::kNone);
}

TEST_CASE("planted faults are found with file and line", "[doctor]") {
  const TemporaryFolder folder;
  const auto corpus = write_corpus(
      folder, "train",
      {{"", "leer"},                                          // 61
       {"kept as it is", "kept as it is"},                    // 62
       {"a cat", "кошка"},                                    // 63
       {"a bell\x07 rings", "eine Glocke"},                   // 64
       {"Munich", "MÃ¼nchen"},                                // 65
       {"the word bb of train 1", "das Wort b von train 1"},  // 66: line 2
       {"short",
        "ein sehr sehr langer Satz, der hier wirklich nichts, aber auch gar nichts zu "
        "suchen hat, denn die Quelle ist nur ein einziges kurzes Wort und nicht mehr"},  // 67
       {"it costs 1,000.50 in 2019", "es kostet 1.000,50 in 2019"},  // 68: equal
       {"it costs 17 dollars", "es kostet 71 Dollar"},               // 69
       {"see https://a.org/x now", "siehe https://a.org/y jetzt"},   // 70
       {"two  spaces", "zwei Worte"},                                // 71
       {"from http://b.org", "von http://b.org"},                    // 72, 73: equal
       {"to www.c.org", "nach www.c.org"}});
  for (const std::int64_t threads : {1, 3}) {
    const SetExamination set = examine_train(corpus, threads);
    CHECK(set.pairs == 73);
    CHECK(place(found(set, "empty")) == "train.src:61");
    CHECK(place(found(set, "copied")) == "train.tgt:62");
    CHECK(place(found(set, "script")) == "train.tgt:63");
    CHECK_THAT(found(set, "script").message,
               Contains("target lines in Cyrillic, where most are in Latin: 1"));
    CHECK(place(found(set, "control")) == "train.src:64");
    CHECK(place(found(set, "mojibake")) == "train.tgt:65");
    CHECK(place(found(set, "several-targets"), 0) == "train.tgt:2");
    CHECK(place(found(set, "several-targets"), 1) == "train.tgt:66");
    CHECK(found(set, "several-targets").count == 2);
    CHECK(place(found(set, "length-ratio")) == "train.tgt:67");
    CHECK(found(set, "length-ratio").count == 1);
    CHECK(place(found(set, "numbers")) == "train.tgt:69");
    CHECK(found(set, "numbers").count == 1);
    CHECK(place(found(set, "addresses")) == "train.src:70");
    CHECK(place(found(set, "spaces")) == "train.src:71");
    CHECK_FALSE(has(set, "duplicates"));
    CHECK_FALSE(has(set, "invalid-text"));
    CHECK_FALSE(has(set, "white-space"));
  }
}

TEST_CASE("lines are numbered through a corpus of many blocks", "[doctor]") {
  const TemporaryFolder folder;
  const auto corpus = write_corpus(folder, "train", {{"no translation", "no translation"}}, 50000);
  CHECK(place(found(examine_train(corpus, 2), "copied")) == "train.tgt:50001");
  std::string source;
  std::string target;
  for (int line = 1; line <= 40000; ++line) {
    const bool is_planted = line == 17 || line == 16390 || line == 39999;
    source += is_planted ? "again\n" : "line " + std::to_string(line) + '\n';
    target += is_planted ? "wieder\n" : "Zeile " + std::to_string(line) + '\n';
  }
  const auto set = examine_train(
      {.source = folder.write("many.src", source), .target = folder.write("many.tgt", target)});
  const Finding& repeated = found(set, "duplicates");
  CHECK(repeated.count == 2);
  CHECK(place(repeated, 0) == "many.src:17");
  CHECK(place(repeated, 1) == "many.src:16390");
  CHECK(place(repeated, 3) == "many.src:39999");
}

TEST_CASE("a clean corpus gives no findings", "[doctor]") {
  const TemporaryFolder folder;
  const auto set = examine_train(write_corpus(folder, "train", {}));
  CHECK(set.pairs == 60);
  CHECK(set.findings.empty());
}

TEST_CASE("pairs that repeat are counted across corpora", "[doctor]") {
  const TemporaryFolder folder;
  const auto first = write_corpus(folder, "one", {{"x", "y"}, {"x", "y"}}, 10);   // 11, 12
  const auto second = write_corpus(folder, "two", {{"x", "y"}, {"z", "y"}}, 10);  // 11, 12
  const auto set = dragoman::examine({.train = {first, second}}).back();
  const Finding& repeated = found(set, "duplicates");
  CHECK(repeated.count == 2);
  CHECK(place(repeated, 0) == "one.src:11");
  CHECK(place(repeated, 1) == "one.src:12");
  CHECK(place(repeated, 3) == "two.src:11");
  const Finding& sources = found(set, "several-sources");
  CHECK(sources.count == 4);
  CHECK(place(sources, 0) == "one.tgt:11");
  CHECK(place(sources, 1) == "two.tgt:12");
}

TEST_CASE("bad bytes, missing files and different line counts are findings", "[doctor]") {
  const TemporaryFolder folder;
  const auto bad = write_corpus(folder, "bad", {{"fine", "caf\xE9"}});
  for (const auto policy : {dragoman::InvalidText::error, dragoman::InvalidText::replace}) {
    const auto set = dragoman::examine({.train = {bad}, .invalid_text = policy}).back();
    const Finding& invalid = found(set, "invalid-text");
    CHECK(place(invalid) == "bad.tgt:61");
    CHECK(invalid.count == 1);
    CHECK((invalid.severity == Severity::error) == (policy == dragoman::InvalidText::error));
  }
  auto uneven = write_corpus(folder, "uneven", {});
  folder.write("uneven.tgt", "one\ntwo\n");
  const auto set = examine_train(uneven);
  CHECK(set.pairs == 2);
  CHECK_THAT(found(set, "unreadable").message, Contains("has 60 lines") && Contains("has 2."));
  uneven.target = folder.path("none.tgt");
  CHECK_THAT(found(examine_train(uneven), "unreadable").message, Contains("none.tgt"));
  const CorpusConfig table{.source = folder.write("pairs.tsv", "a\tb\nno tab\n"), .target = ""};
  CHECK_THAT(found(examine_train(table), "unreadable").message, Contains("pairs.tsv:2"));
}

TEST_CASE("pairs of a held-out set that are in train are found, exact and nearly", "[doctor]") {
  const TemporaryFolder folder;
  const auto train =
      write_corpus(folder, "train", {{"A dog runs.", "Ein Hund rennt."}}, 300);  // 301
  const auto test = write_corpus(folder, "test",
                                 {{"A dog runs.", "Ein Hund rennt."},    // 61: the pair
                                  {"a DOG runs", "ein Hund, rennt"},     // 62: nearly
                                  {"A dog runs.", "Der Hund läuft."}});  // 63: the source
  const auto sets =
      dragoman::examine({.train = {train}, .held_out = {{"test", test}}, .threads = 2});
  REQUIRE(sets.size() == 2);
  const Finding& pairs = found(sets[0], "leak");
  CHECK(pairs.count == 1);
  CHECK(pairs.total == 63);
  CHECK(pairs.severity == Severity::warning);
  CHECK(place(pairs, 0) == "test.src:61");
  CHECK(place(pairs, 1) == "train.src:301");
  CHECK_THAT(pairs.message, Contains("1 of 63 pairs") && Contains("; 2 when only letters"));
  const Finding& sources = found(sets[0], "source-leak");
  CHECK(sources.count == 2);
  CHECK_THAT(sources.message, Contains("2 of 63 sources") && Contains("; 3 when only letters"));
  CHECK(sets[1].name == "train");
  const auto same = dragoman::examine({.train = {train}, .held_out = {{"dev", train}}});
  CHECK(found(same[0], "leak").severity == Severity::error);
}

TEST_CASE("rare target words are counted as they stand in the source", "[doctor]") {
  dragoman::WordCounts spaced(dragoman::WordKind::spaced);
  dragoman::WordCounts folded(dragoman::WordKind::folded);
  dragoman::CopyableWords spaced_words(spaced);
  dragoman::CopyableWords folded_words(folded);
  for (auto* words : {&spaced_words, &folded_words})
    words->add("print the_name of 'Foo'.", "print ( Foo.bar , the_nam )");
  const auto count = [](dragoman::WordCounts& counts, const std::string& text) {
    std::vector<std::uint32_t> found;
    counts.find(text, found);
    counts.count(found);
  };
  // Five times print, ( and ) between spaces, four times the_nam.
  for (auto* counts : {&spaced, &folded})
    for (int times = 0; times < 5; ++times)
      count(*counts, times < 4 ? "print ( the_nam )" : "PRINT print ( )");
  const auto between_spaces = spaced_words.share();
  CHECK(between_spaces.words == 6);
  CHECK(between_spaces.rare == 3);      // Foo.bar , the_nam
  CHECK(between_spaces.copyable == 1);  // the_nam, inside the_name
  const auto runs = folded_words.share();
  CHECK(runs.words == 5);     // print foo bar the nam
  CHECK(runs.rare == 4);      // the and nam came four times
  CHECK(runs.copyable == 2);  // foo, the
}

TEST_CASE("a sample of a long stream is even and bounded", "[doctor]") {
  dragoman::PairSample sample(1000, 1U << 20);
  for (int number = 0; number < 100000; ++number)
    sample.add(number, "source", "target");
  const auto& pairs = sample.pairs();
  CHECK_FALSE(sample.is_whole());
  CHECK(pairs.size() <= 1000);
  CHECK(pairs.size() > 400);
  CHECK(std::ranges::is_sorted(pairs, {}, &dragoman::PairSample::Pair::number));
  const auto early =
      std::ranges::count_if(pairs, [](const auto& pair) { return pair.number < 50000; });
  CHECK(std::abs(static_cast<double>(early) / static_cast<double>(pairs.size()) - 0.5) < 0.1);
  dragoman::PairSample small(1000, 100);
  for (int number = 0; number < 50; ++number)
    small.add(number, "0123456789", "0123456789");
  CHECK(small.pairs().size() <= 5);
}
