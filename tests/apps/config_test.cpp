#include <fstream>
#include <iterator>

#include "tests/support/catch.h"
#include "tests/support/program.h"

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using dragoman_test::run_program;
using dragoman_test::TemporaryFolder;

TEST_CASE("docs/configuration.md is what the program prints", "[program][config]") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "config");
  REQUIRE(result.status == 0);
  std::ifstream file(DRAGOMAN_SOURCE_DIR "/docs/configuration.md", std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  INFO("write it anew: build/dragoman config >docs/configuration.md");
  CHECK(page == result.out);
}

TEST_CASE("the defaults that the program prints pass its own check", "[program][config]") {
  const TemporaryFolder folder;
  const auto defaults = run_program(folder, "config --defaults");
  REQUIRE(defaults.status == 0);
  folder.write("defaults.json", defaults.out);
  const auto check = run_program(folder, "config --check defaults.json");
  CHECK(check.status == 0);
  CHECK_THAT(check.out, Contains("defaults.json: fine."));
}

TEST_CASE("a configuration is checked with its overrides", "[program][config]") {
  const TemporaryFolder folder;
  folder.write("run.json", R"({"training": {"max_steps": 10}})");
  const auto fine = run_program(
      folder, "config --check run.json --set training.max_steps=20 --set training.output=r");
  CHECK(fine.status == 0);
  CHECK_THAT(fine.out, Contains("20 updates at most, run directory r"));
  const auto wrong = run_program(folder, "config --check run.json --set training.max_step=20");
  CHECK(wrong.status == 2);
  CHECK_THAT(
      wrong.err,
      Equals(
          "dragoman: --set training.max_step=20: unknown key. Did you mean training.max_steps?\n"));
}

TEST_CASE("all mistakes of a configuration are named at once", "[program][config]") {
  const TemporaryFolder folder;
  folder.write("run.json", R"({
    "model": {"encoder": {"dim": 500, "heads": 7}, "norm": "prae"},
    "training": {"max_step": 10, "learning_rate": "high", "label_smoothing": 1.5, "seed": 3.7},
    "trianing": {}
  })");
  for (const auto* command : {"config --check run.json", "train run.json"}) {
    const auto result = run_program(folder, command);
    CHECK(result.status == 2);
    CHECK_THAT(result.err, Contains("run.json: 8 problems:\n"));
    CHECK_THAT(result.err,
               Contains("training.max_step: unknown key. Did you mean training.max_steps?\n"));
    CHECK_THAT(result.err, Contains("training.learning_rate: must be a number, is \"high\".\n"));
    CHECK_THAT(result.err,
               Contains("training.label_smoothing: 1.5 is out of range (0 to 0.99).\n"));
    CHECK_THAT(result.err, Contains("training.seed: must be an integer, is 3.7.\n"));
    CHECK_THAT(result.err,
               Contains("model.norm: must be one of pre, post, is \"prae\". Did you mean pre?\n"));
    CHECK_THAT(result.err, Contains("trianing: unknown key. Did you mean training?\n"));
    CHECK_THAT(result.err, Contains("model.encoder.dim (500) must be a multiple of heads (7).\n"));
  }
}

TEST_CASE("a configuration that is missing, a folder or no JSON is refused", "[program][config]") {
  const TemporaryFolder folder;
  folder.write("run.json", "{\n  \"training\": {,}\n}");
  const auto missing = run_program(folder, "train none.json");
  CHECK(missing.status == 3);
  CHECK_THAT(missing.err, Contains("none.json: no such file"));
  const auto a_folder = run_program(folder, "config --check .");
  CHECK(a_folder.status == 3);
  CHECK_THAT(a_folder.err, Contains(".: is a folder, not a file"));
  const auto broken = run_program(folder, "config --check run.json");
  CHECK(broken.status == 2);
  CHECK_THAT(broken.err, Contains("run.json:2:16: is not valid JSON"));
}
