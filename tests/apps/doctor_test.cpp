#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"
#include "tests/support/program.h"
#include "tests/support/python.h"

using Catch::Matchers::Contains;
using dragoman_test::run_program;
using dragoman_test::TemporaryFolder;

namespace {

const std::string kData = DRAGOMAN_SOURCE_DIR "/../shared/data";

nlohmann::json report_of(const TemporaryFolder& folder, const std::string& arguments) {
  const auto result = run_program(folder, "doctor run.json --format json " + arguments);
  INFO(result.err);
  REQUIRE((result.status == 0 || result.status == 1));
  return nlohmann::json::parse(result.out);
}

bool holds(const nlohmann::json& report, const std::string& check, const std::string& severity) {
  for (const auto& finding : report["findings"])
    if (finding["check"] == check && finding["severity"] == severity) return true;
  return false;
}

}  // namespace

TEST_CASE("doctor finds nothing wrong with a run in order", "[program][doctor]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  // The development pairs are among the training pairs.
  folder.write("dev.src", "1 2 3 4\n5 0 7 8\n");
  folder.write("dev.tgt", "one two three four\nfive zero seven eight\n");
  const auto result = run_program(folder, "doctor run.json");
  INFO(result.err);
  CHECK(result.status == 0);
  CHECK_THAT(result.out, Contains("run.json: 0 errors"));
  CHECK_THAT(result.out, Contains("train         600"));
  CHECK_THAT(result.out, Contains("M parameters") && Contains("target tokens/s") &&
                             Contains("20 updates") && Contains("padding"));
  // Nothing is written.
  CHECK_FALSE(std::filesystem::exists(folder.path("run")));
  const auto report = report_of(folder, "--no-speed");
  CHECK(report["errors"] == 0);
  CHECK(report["sets"][1]["source"]["unknown"] == 0);
  CHECK(report["sets"][1]["filter"]["kept"] == 600);
  CHECK_FALSE(report.contains("seconds_per_epoch"));
}

TEST_CASE("doctor's exit status tells errors, and warnings when asked", "[program][doctor]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  const std::string fast = " --no-speed ";
  // Both development pairs are in train.
  const auto leak = run_program(folder, "doctor run.json" + fast);
  CHECK(leak.status == 1);
  CHECK_THAT(leak.out, Contains("error    dev: 2 of 2 pairs are in train as well"));
  CHECK_THAT(leak.out, Contains("dev.src:1  and  train.src:124"));
  CHECK_THAT(leak.err, Contains("dragoman: run.json: errors: 1, warnings: "));

  const std::string no_dev = fast + "--set data.dev.source= --set data.dev.target= ";
  CHECK(run_program(folder, "doctor run.json" + no_dev).status == 0);
  const auto strict = run_program(folder, "doctor run.json --strict" + no_dev);
  CHECK(strict.status == 1);
  CHECK_THAT(strict.out, Contains("warning  settings: data.dev is not set"));

  const auto usage = run_program(folder, "doctor run.json --format xml");
  CHECK(usage.status == 2);
  CHECK(run_program(folder, "doctor run.json --set training.max_step=3").status == 2);
  CHECK(run_program(folder, "doctor none.json").status == 3);
}

TEST_CASE("doctor reports data that cannot be read together with all else", "[program][doctor]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  folder.write("dev.tgt", "one two three\n");
  const auto result = run_program(folder, "doctor run.json --no-speed --test none.src none.tgt");
  CHECK(result.status == 1);
  CHECK_THAT(result.out, Contains("dev.src: has 2 lines, but dev.tgt has 1"));
  CHECK_THAT(result.out, Contains("none.src"));
  CHECK_THAT(result.out, Contains("train         600"));
  const auto missing = run_program(folder, "doctor run.json --set data.train[0].source=nothing");
  CHECK(missing.status == 1);
  CHECK_THAT(missing.out, Contains("error    train: nothing:"));
}

TEST_CASE("doctor names settings that do not go together", "[program][doctor]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  CHECK(
      holds(report_of(folder, "--no-speed --set training.warmup_steps=20"), "warm-up", "warning"));
  CHECK(holds(report_of(folder, "--no-speed --set training.validate_every=21"), "validation",
              "warning"));
  CHECK(holds(report_of(folder, "--no-speed --set data.batch_tokens=12"), "batch", "warning"));
  CHECK(holds(report_of(folder, "--no-speed --set tokenizer.vocabulary_size=5000"), "tokenizer",
              "error"));
  CHECK(holds(report_of(folder, "--no-speed --set data.max_length=1"), "dropped", "error"));
  CHECK(
      holds(report_of(folder,
                      "--no-speed --set data.dev.source=train.src --set data.dev.target=train.tgt"),
            "dev-is-train", "error"));
  const std::string few = "--set model.max_positions=4";
  CHECK(holds(report_of(folder, few + " --set model.positions=learned"), "positions", "error"));
  CHECK_FALSE(holds(report_of(folder, few + " --no-speed"), "positions", "error"));
  const auto report = report_of(folder, "--no-speed");
  for (const char* check : {"warm-up", "validation", "batch", "tokenizer", "positions"})
    CHECK_FALSE(holds(report, check, "warning"));
}

TEST_CASE("doctor's leak and copyable words equal an independent computation",
          "[program][doctor]") {
  if (!std::filesystem::exists(kData) || dragoman_test::python().empty()) {
    WARN("skipped: needs the data in ../shared/data, and Python");
    return;
  }
  // The percentages that the data's README states, and which kind of word they are about.
  struct Case {
    const char* task;
    const char* kind;
    double copyable;
    int leak;
  };
  for (const Case& task :
       {Case{"django", "rare_words_between_spaces", 72, 255}, Case{"nl2bash", "rare_words", 63, 0},
        Case{"wikisplit", "rare_words", 90, -1}, Case{"scitldr", "rare_words", 59, -1}}) {
    INFO(task.task);
    const TemporaryFolder folder;
    const std::string data = kData + '/' + task.task;
    folder.write("run.json", R"({"data": {"folder": ")" + data + R"(",
      "train": [{"source": "train.src.gz", "target": "train.tgt.gz"}]},
      "tokenizer": {"type": "char", "vocabulary_size": 100}})");
    const auto report =
        report_of(folder, "--no-speed --test " + data + "/test.src.gz " + data + "/test.tgt.gz");
    REQUIRE(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/apps/doctor_reference.py",
                                      "'" + data + "' >'" + folder.path("reference") + "'") == 0);
    std::istringstream reference(folder.read("reference"));
    std::int64_t pairs = 0;
    std::int64_t leaked = 0;
    std::int64_t leaked_sources = 0;
    reference >> pairs >> leaked >> leaked_sources;
    const auto& test = report["sets"][0];
    REQUIRE(test["name"] == "test");
    CHECK(test["pairs"] == pairs);
    for (const char* kind : {"rare_words_between_spaces", "rare_words"}) {
      INFO(kind);
      std::int64_t words = 0;
      std::int64_t rare = 0;
      std::int64_t copyable = 0;
      reference >> words >> rare >> copyable;
      CHECK(test[kind]["words"] == words);
      CHECK(test[kind]["rare"] == rare);
      CHECK(test[kind]["copyable"] == copyable);
    }
    const auto& words = test[task.kind];
    const double share = 100 * words["copyable"].get<double>() / words["rare"].get<double>();
    CHECK(std::abs(share - task.copyable) < 1.0);
    std::int64_t told = 0;
    std::int64_t told_sources = 0;
    for (const auto& finding : report["findings"]) {
      if (finding["check"] == "leak") told = finding["count"];
      if (finding["check"] == "source-leak") told_sources = finding["count"];
    }
    CHECK(told == leaked);
    if (told_sources != 0) CHECK(told_sources == leaked_sources);
    if (task.leak >= 0) CHECK(told == task.leak);
  }
}
