// dragoman train: input that it refuses, and the whole path on a tiny task.
#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/program.h"

using Catch::Matchers::Contains;
using dragoman_test::ProgramResult;
using dragoman_test::run_program;
using dragoman_test::TemporaryFolder;

namespace {

/// Digits in, the same digits as letters out.
void write_task(const TemporaryFolder& folder) {
  constexpr const char* kWords[] = {"zero", "one", "two",   "three", "four",
                                    "five", "six", "seven", "eight", "nine"};
  std::string source;
  std::string target;
  for (int number = 0; number < 600; ++number) {
    for (int digit : {number / 100, number / 10 % 10, number % 10}) {
      source += std::to_string(digit) + " ";
      target += std::string(kWords[digit]) + " ";
    }
    source.back() = target.back() = '\n';
  }
  folder.write("train.src", source);
  folder.write("train.tgt", target);
  folder.write("dev.src", "1 2 3\n5 0 7\n");
  folder.write("dev.tgt", "one two three\nfive zero seven\n");
  folder.write("run.json", R"({
    "data": {"train": [{"source": "train.src", "target": "train.tgt"}], "dev": {"source": "dev.src", "target": "dev.tgt"},
             "batch_tokens": 512},
    "tokenizer": {"vocabulary_size": 60},
    "model": {"encoder": {"layers": 1, "dim": 32, "heads": 2, "feed_forward": 64},
              "decoder": {"layers": 1, "dim": 32, "heads": 2, "feed_forward": 64}},
    "training": {"max_steps": 20, "warmup_steps": 10, "validate_every": 10, "save_every": 10, "report_every": 5,
                 "average_best": 0, "threads": 1, "tensorboard": false}
  })");
}

ProgramResult train(const TemporaryFolder& folder, const std::string& flags = "") {
  return run_program(folder, "train run.json " + flags);
}

}  // namespace

TEST_CASE("a corpus that is missing is named", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const auto result = train(folder, "--set data.train[0].target=none.tgt");
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Contains("none.tgt"));
  const auto dev = train(folder, "--set data.dev.source=none.src");
  CHECK(dev.status == 3);
  CHECK_THAT(dev.err, Contains("none.src"));
}

TEST_CASE("source and target of different length are refused with both counts",
          "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  folder.write("train.tgt", "one\ntwo\n");
  const auto result = train(folder);
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Contains("600") && Contains("2") && Contains("train.tgt"));
}

TEST_CASE("text that is not UTF-8 is refused with its line", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  folder.write("train.src", folder.read("train.src").insert(6, "\xff"));
  const auto result = train(folder);
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Contains("train.src:2"));
}

TEST_CASE("an empty corpus is refused", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  folder.write("train.src", "");
  folder.write("train.tgt", "");
  const auto result = train(folder);
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Contains("there is no text"));
}

TEST_CASE("a vocabulary too large for the corpus is refused", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const auto result = train(folder, "--set tokenizer.vocabulary_size=30000");
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Contains("30000"));
}

TEST_CASE("a run directory that cannot be made is reported", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const auto result = train(folder, "--set training.output=train.src/run");
  CHECK(result.status == 5);
  CHECK_THAT(result.err, Contains("train.src/run"));
}

TEST_CASE("a device that does not exist is a usage error", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const auto result = train(folder, "--set training.device=cuda:99");
  CHECK(result.status == 2);
  CHECK_THAT(result.err, Contains("cuda:99"));
}

TEST_CASE("a model goes from raw text to a score through the program", "[program][train][.slow]") {
  const TemporaryFolder folder;
  write_task(folder);
  const auto trained = train(folder);
  INFO(trained.err);
  REQUIRE(trained.status == 0);
  REQUIRE(run_program(folder, "average --output mean.pt --last 2 run").status == 0);
  folder.write("lines", "1 2 3\n\n4\n");
  const auto translated =
      run_program(folder, "translate --model mean.pt --input lines --output translated");
  INFO(translated.err);
  REQUIRE(translated.status == 0);
  const auto lines = folder.read("translated");
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 3);
  CHECK(run_program(folder, "score --model mean.pt --source dev.src --target dev.tgt").status == 0);
  CHECK(run_program(folder, "evaluate --hypotheses dev.tgt --references dev.tgt").status == 0);
  const auto inspected = run_program(folder, "inspect mean.pt");
  CHECK(inspected.status == 0);
  // A run is not overwritten by accident, and goes on when asked to.
  CHECK(train(folder).status == 2);
  CHECK(train(folder, "--resume --set training.max_steps=30").status == 0);
}
