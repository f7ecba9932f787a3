// dragoman translate and score: what they refuse, and what their output says.
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "dragoman/data/archive.h"
#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using dragoman_test::run_program;
using dragoman_test::run_shell;
using dragoman_test::TemporaryFolder;
using dragoman_test::tiny_model;

TEST_CASE("JSON lines hold every warning of a translation", "[program][translate]") {
  const TemporaryFolder folder;
  folder.write("lines", "1 2 3\n\n4 5 6\n7 8 9\n");
  const auto result =
      run_program(folder, "translate --model " + tiny_model() +
                              " --input lines --format jsonl --beam-size 1 --max-source-length 1 "
                              "--min-length 1 --max-length 1");
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 4);
  CHECK_THAT(
      result.out,
      Contains(R"("status":"source_truncated","warnings":["source_truncated","length_capped"]})"));
  CHECK_THAT(result.out, Contains(R"("status":"empty_input","warnings":["empty_input"]})"));
  CHECK_THAT(result.err, Contains(", empty_input 1, source_truncated 3, length_capped "));
}

TEST_CASE("a model of another version translates, with a warning for each unknown setting",
          "[program][translate]") {
  const TemporaryFolder folder;
  auto archive = dragoman::load_archive(tiny_model());
  auto& config = archive.files.at("config.json");
  config.insert(config.find("\"beam_size\""), "\"sampling\": 5, ");
  dragoman::save_archive(archive, folder.path("m.pt"));
  const auto result = run_shell(folder, "echo 1 2 | \"$DRAGOMAN\" translate --model m.pt");
  CHECK(result.status == 0);
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 1);
  CHECK_THAT(result.err, StartsWith("warning: m.pt: config.json: decoding: sampling: this version "
                                    "does not know the key"));
  CHECK_THAT(run_program(folder, "inspect m.pt").err, StartsWith("warning: m.pt: config.json"));
}

TEST_CASE("JSON lines ask for a prefix and for constraints, line by line", "[program][translate]") {
  const TemporaryFolder folder;
  folder.write("lines",
               "{\"text\": \"1 2 3\"}\n"
               "{\"text\": \"1 2 3\", \"prefix\": \"nine\", \"constraints\": [\"five six\"]}\n");
  const std::string command =
      "translate --input-format jsonl --beam-size 6 --model " + tiny_model();
  const auto result = run_program(folder, command + " -i lines --window 1");
  INFO(result.err);
  REQUIRE(result.status == 0);
  const std::string second = result.out.substr(result.out.find('\n') + 1);
  CHECK_THAT(second, StartsWith("nine") && Contains("five six"));
  CHECK_THAT(result.out, !StartsWith("nine"));
  folder.write("bad", "{\"text\": \"1\"}\n{\"text\": \"1\", \"prefixes\": \"nine\"}\n");
  const auto bad = run_program(folder, command + " -i bad");
  CHECK(bad.status == 3);
  CHECK_THAT(bad.err, Contains("bad:2: 'prefixes' is no known key"));
}

TEST_CASE("samples do not depend on how many lines are read at once", "[program][translate]") {
  const TemporaryFolder folder;
  folder.write("lines", "1 2 3\n1 2 3\n4 5 6\n");
  const std::string command =
      "translate -i lines --sample --temperature 2 --seed 7 --model " + tiny_model();
  const auto whole = run_program(folder, command);
  const auto single = run_program(folder, command + " --window 1 --batch-size 1");
  CHECK(whole.status == 0);
  CHECK(whole.out == single.out);
  const auto wrong =
      run_program(folder, "translate -i lines --sample --beam-groups 2 --model " + tiny_model());
  CHECK(wrong.status == 2);
  CHECK_THAT(wrong.err, Contains("sample") && Contains("beam_groups (2)"));
}

TEST_CASE("a page of attention is one file, whatever the text holds", "[program][inspect]") {
  const TemporaryFolder folder;
  const auto result =
      run_program(folder, "inspect " + tiny_model() +
                              " --attention page.html --source '1 </script><b> 3' --target 'one'");
  INFO(result.err);
  REQUIRE(result.status == 0);
  const std::string page = folder.read("page.html");
  CHECK_THAT(page, StartsWith("<!doctype html>"));
  CHECK_THAT(page, Contains("\\u003c/script>\\u003cb>"));
  CHECK_THAT(page, !Contains("</script><b>"));
  CHECK_THAT(page, !Contains("http"));  // nothing is loaded from elsewhere
  const auto begin = page.find("id=\"data\">") + 10;
  const auto data =
      nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  CHECK(data["source"] == "1 </script><b> 3");
  REQUIRE(data["maps"].size() == 2);  // one layer of two heads
  for (const auto& row : data["maps"][0]["w"]) {
    int sum = 0;
    for (const auto& weight : row)
      sum += weight.get<int>();
    CHECK(std::abs(sum - 10000) <= static_cast<int>(row.size()));
  }
  const auto without = run_program(folder, "inspect " + tiny_model() + " --attention page.html");
  CHECK(without.status == 2);
}

TEST_CASE("several models translate and score together", "[program][translate]") {
  const TemporaryFolder folder;
  const std::string twice = " --model " + tiny_model() + " --model " + tiny_model();
  folder.write("lines", "1 2 3\n4 5 6\n");
  const auto alone = run_program(folder, "translate --model " + tiny_model() + " -i lines");
  const auto together = run_program(folder, "translate -i lines" + twice);
  CHECK(together.status == 0);
  CHECK(together.out == alone.out);
  const auto weighted = run_program(folder,
                                    "translate -i lines --ensemble log_linear --model-weight 2 "
                                    "--model-weight 1" +
                                        twice);
  CHECK(weighted.status == 0);
  CHECK(weighted.out == alone.out);
  const auto wrong = run_program(folder, "translate -i lines --model-weight 2" + twice);
  CHECK(wrong.status == 2);
  CHECK_THAT(wrong.err, Contains("1 weights for 2 models"));
}

TEST_CASE("flags about the model are checked with the same words as all others",
          "[program][translate]") {
  const TemporaryFolder folder;
  const auto result = run_program(
      folder, "translate --model none.pt --threads -1 --batch-size 0 --precision bf61 </dev/null");
  CHECK(result.status == 2);
  CHECK_THAT(result.err, Contains("--threads=-1: -1 is out of range (0 to 1024)"));
  CHECK_THAT(result.err, Contains("--batch-size=0: 0 is out of range (1 to 100000)"));
  CHECK_THAT(result.err, Contains("--precision=bf61: must be one of stored, fp32, bf16, int8, is "
                                  "\"bf61\". Did you mean bf16?"));
  const auto fine = run_shell(folder, "echo 1 2 3 | \"$DRAGOMAN\" translate --model " +
                                          tiny_model() + " --precision bf16 --threads 1 --quiet");
  CHECK(fine.status == 0);
  CHECK(fine.err.empty());
}

TEST_CASE("files of different lengths are not scored, and that is found before the model is read",
          "[program][score]") {
  const TemporaryFolder folder;
  folder.write("s", "1\n2\n3\n");
  folder.write("t", "one\ntwo");
  for (const auto* source : {"--source s", "--source - <s"}) {
    const auto result =
        run_program(folder, std::string("score --model none.pt --target t ") + source);
    CHECK(result.status == 3);
    CHECK_THAT(result.err, Contains(": has 3 lines, but t has 2. Line n of one must belong to "));
  }
}

TEST_CASE("a pipe is scored as it comes, and a different length is found at its end",
          "[program][score]") {
  const TemporaryFolder folder;
  folder.write("s", "1 2 3\n2 0 1\n");
  folder.write("t", "one two three\ntwo zero one\n");
  const auto flags = " score --model " + tiny_model() + " --target t --source ";
  const auto from_file = run_shell(folder, "\"$DRAGOMAN\"" + flags + "s");
  INFO(from_file.err);
  REQUIRE(from_file.status == 0);
  CHECK(std::count(from_file.out.begin(), from_file.out.end(), '\n') == 2);
  const auto from_pipe = run_shell(folder, "cat s | \"$DRAGOMAN\"" + flags + "-");
  CHECK(from_pipe.status == 0);
  CHECK(from_pipe.out == from_file.out);
  const auto longer = run_shell(folder, "cat s s | \"$DRAGOMAN\"" + flags + "-");
  CHECK(longer.status == 3);
  CHECK_THAT(longer.err, Contains("-: has 4 lines, but t has 2."));
}

TEST_CASE("alignments stand behind the text, and in JSON", "[program][translate]") {
  const TemporaryFolder folder;
  folder.write("lines", "1 2 3\n\n4 5\n");
  folder.write("targets", "one two\n\nfour\n");
  const std::string model = " --model " + tiny_model();
  const auto hard =
      run_program(folder, "translate -i lines --min-length 2 --alignment hard" + model);
  INFO(hard.err);
  REQUIRE(hard.status == 0);
  CHECK(std::count(hard.out.begin(), hard.out.end(), '\n') == 3);
  CHECK_THAT(hard.out, Catch::Matchers::Matches(
                           "[^|]* \\|\\|\\| [0-9]+-0[ 0-9-]*\n \\|\\|\\| \n[^|]* \\|\\|\\| "
                           "[0-9]+-0[ 0-9-]*\n"));
  const auto several =
      run_program(folder, "translate -i lines --beam-size 2 --n-best 2 --alignment hard" + model);
  CHECK_THAT(several.out, StartsWith("0 ||| ") && Contains(" ||| -"));

  const auto soft = run_program(
      folder, "translate -i lines --min-length 2 --format jsonl --alignment soft" + model);
  const auto json = nlohmann::json::parse(soft.out.substr(0, soft.out.find('\n')));
  const auto& alignment = json["alignment"];
  CHECK(alignment["weights"].size() == json["tokens"].size() + 1);
  CHECK(alignment["tokens"].size() == json["tokens"].size());
  for (const auto& row : alignment["weights"]) {
    CHECK(row.size() == alignment["source_tokens"].size() + 1);
    double sum = 0.0;
    for (const auto& weight : row)
      sum += weight.get<double>();
    CHECK(std::abs(sum - 1.0) < 1e-3);
  }
  const auto given = run_program(
      folder,
      "score --source lines --target targets --alignment hard --alignment-threshold 0.01" + model);
  CHECK(given.status == 0);
  CHECK_THAT(given.out, Contains(" ||| ") && Contains("0-0"));
  const auto wrong =
      run_program(folder, "translate -i lines --alignment hard --attention-layer 2" + model);
  CHECK(wrong.status == 2);
  CHECK_THAT(wrong.err, Contains("attention_layer: there is no decoder layer 2, the model has 1"));
}

TEST_CASE("a shortlist is built from text and used by the models of its tokenisers",
          "[program][shortlist]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  folder.write("lines", "1 2 3\n4 5 6\n");
  const std::string model = " --model " + tiny_model();
  const std::string corpus = " --source train.src --target train.tgt";
  const auto built = run_program(folder, "shortlist -o lex --threads 1" + model + corpus);
  INFO(built.err);
  REQUIRE(built.status == 0);
  CHECK_THAT(built.err, Contains("from 600 sentence pairs (0 left out)"));
  CHECK(run_program(folder, "shortlist -o again --threads 3" + model + corpus).status == 0);
  CHECK(folder.read("lex") == folder.read("again"));
  const auto used = run_program(folder, "translate -i lines --shortlist lex" + model);
  INFO(used.err);
  CHECK(used.status == 0);
  CHECK(std::count(used.out.begin(), used.out.end(), '\n') == 2);

  folder.write("cut", folder.read("lex").substr(0, 1000));
  const auto cut = run_program(folder, "translate -i lines --shortlist cut" + model);
  CHECK(cut.status == 3);
  CHECK_THAT(cut.err, Contains("cut: is truncated or damaged"));
  const auto neither = run_program(folder, "shortlist -o lex" + model);
  CHECK(neither.status == 2);
  CHECK_THAT(neither.err, Contains("either a corpus"));
}

TEST_CASE("processes that share an input by --shard give together what one gives",
          "[program][translate]") {
  const TemporaryFolder folder;
  folder.write("lines", "1 2 3\n4 5 6\n\n7 8 9\n1 1 1\n");
  const std::string command =
      "translate -i lines --sample --temperature 2 --n-best 2 --batch-size 1 --seed 7 --model " +
      tiny_model();
  const auto whole = run_program(folder, command);
  REQUIRE(whole.status == 0);
  std::string expected[2];
  std::istringstream lines(whole.out);
  for (std::string line; std::getline(lines, line);)
    expected[std::stoi(line) % 2] += line + "\n";
  for (const int shard : {0, 1}) {
    const auto part = run_program(folder, command + " --shard " + std::to_string(shard) + "/2");
    CHECK(part.status == 0);
    CHECK(part.out == expected[shard]);
  }
  for (const char* wrong : {"2/2", "-1/2", "1", "a/2", "0/0", "0/2x", "/2"}) {
    const auto refused = run_program(folder, command + " --shard=" + wrong);
    CHECK(refused.status == 2);
    CHECK_THAT(refused.err, Contains("must be K/N with K from 0 to N - 1"));
  }
}

TEST_CASE("translate --devices gives what one device gives", "[program][translate]") {
  const TemporaryFolder folder;
  std::string lines;
  for (int number = 100; number < 160; ++number)
    lines += std::to_string(number % 10) + " " + std::to_string(number / 10 % 10) + " 7\n";
  folder.write("lines", lines);
  const std::string command =
      "translate -i lines --batch-size 4 --format jsonl --model " + tiny_model();
  const auto one = run_program(folder, command);
  const auto two = run_program(folder, command + " --devices cpu,cpu");
  REQUIRE(one.status == 0);
  CHECK(two.status == 0);
  CHECK(two.out == one.out);
  const auto refused = run_program(folder, command + " --devices cpu,cuda:77");
  CHECK(refused.status == 2);
  CHECK_THAT(refused.err, Contains("devices: 'cuda:77' is not available"));
}
