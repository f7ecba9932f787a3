// dragoman train: input that it refuses, and the whole path on a tiny task.
#include <algorithm>

#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using dragoman_test::run_program;
using dragoman_test::TemporaryFolder;
using dragoman_test::train;
using dragoman_test::write_task;

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
  CHECK_THAT(result.err, EndsWith("train.src: has no lines. Give a corpus with text.\n"));
  folder.write("train.src", "\n\n");
  folder.write("train.tgt", "one\ntwo\n");
  const auto blank = train(folder);
  CHECK(blank.status == 3);
  CHECK_THAT(blank.err, Contains("train.src: there is no text to train a tokeniser on: of 2 lines "
                                 "2 are empty and 0 hold only blanks."));
}

TEST_CASE("a corpus of which the filters leave nothing is named with the reasons",
          "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const auto result = train(folder, "--set data.min_length=100");
  CHECK(result.status == 3);
  CHECK_THAT(result.err,
             Contains("train.src and train.tgt: none of 600 pairs passes the filters (0 "
                      "empty, 600 shorter than data.min_length (100)"));
}

TEST_CASE("a development corpus without lines is refused", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  folder.write("dev.src", "");
  folder.write("dev.tgt", "");
  const auto result = train(folder);
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Contains("dev.src: has no lines."));
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

TEST_CASE("tags before the lines of a corpus are one piece each", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const std::string short_run =
      "--set training.validate_every=0 --set training.max_steps=2 --set data.temperature=2 ";
  const std::string tag = "--set 'data.train[0].source_prefix=<2words> <plain>' ";
  const auto result = train(folder, short_run + tag + "--set tokenizer.source_dropout=0.2");
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, Contains("corpus train.src and train.tgt pairs=600 passes=1"));
  const auto pieces = dragoman_test::run_shell(
      folder, "echo '<2words> <plain> 7' | \"$DRAGOMAN\" tokenizer encode -m run/source.spm");
  CHECK_THAT(pieces.out, Catch::StartsWith("\u2581<2words> \u2581<plain> \u2581"));

  // A tokeniser that lacks a tag is refused before the first update, as is one of another type.
  const auto lacking =
      train(folder, "--set tokenizer.source_model=run/source.spm --set training.output=other " +
                        std::string("--set 'data.train[0].target_prefix=<9>'"));
  CHECK(lacking.status == 2);
  CHECK_THAT(lacking.err, Contains("target_prefix has the tag <9>, which the target tokeniser "
                                   "cuts into"));
  const auto type =
      train(folder,
            "--set tokenizer.source_model=run/source.spm --set training.output=another "
            "--set tokenizer.source_alpha=0.2");
  CHECK(type.status == 2);
  CHECK_THAT(type.err, Contains("tokenizer.source_alpha: is for unigram models"));
}

TEST_CASE("a budget that is found by trying is kept for the whole run", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const std::string flags =
      "--set training.validate_every=0 --set data.batch_tokens=auto --set training.max_steps=";
  const auto result = train(folder, flags + "2");
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, Contains("data.batch_tokens auto: 512 tokens tokens/s="));
  const auto config = folder.read("run/config.json");
  const auto place = config.find("\"batch_tokens\": ");
  const auto number = std::stoll(config.substr(place + 16));
  CHECK(number >= 512);
  CHECK_THAT(result.err, Contains("data.batch_tokens=" + std::to_string(number)));
  const auto resumed = train(folder, flags + "4 --resume");
  CHECK(resumed.status == 0);
  CHECK_THAT(resumed.err, !Contains("data.batch_tokens"));
  CHECK_THAT(resumed.err, Contains("resumed step=2"));
  CHECK(folder.read("run/config.json").find("\"batch_tokens\": " + std::to_string(number)) !=
        std::string::npos);
  const auto little = train(folder, flags + "2 --set training.memory=0.000001 " +
                                        std::string("--set training.output=little"));
  CHECK(little.status == 2);
  CHECK_THAT(little.err, Contains("data.batch_tokens: auto finds no batch that fits"));
}

TEST_CASE("a time that is none is refused", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const auto result = train(folder, "--time-budget '2 hours'");
  CHECK(result.status == 2);
  CHECK_THAT(result.err, Contains("time_budget (2 hours) is no time; write it as 90m, 2h or"));
}

TEST_CASE("a run that another version began is resumed, with a warning for each unknown key",
          "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const std::string flags = "--set training.validate_every=0 --set training.max_steps=";
  REQUIRE(train(folder, flags + "1").status == 0);
  auto config = folder.read("run/config.json");
  config.insert(config.find("\"max_steps\""), "\"lookahead\": 5, ");
  folder.write("run/config.json", config);
  const auto resumed = train(folder, "--resume " + flags + "2");
  INFO(resumed.err);
  CHECK(resumed.status == 0);
  const std::string warning =
      "warning: run/config.json: training.lookahead: this version does not know the key";
  CHECK_THAT(resumed.err, Contains(warning));
  CHECK_THAT(resumed.err, Contains("resumed step=1"));

  // The stored configuration may be named itself; then it is warned of once.
  folder.write("run/config.json", config);
  const auto itself =
      run_program(folder, "train run/config.json --resume --set training.max_steps=3");
  CHECK(itself.status == 0);
  const auto place = itself.err.find(warning);
  REQUIRE(place != std::string::npos);
  CHECK(itself.err.find(warning, place + 1) == std::string::npos);

  // What a person writes has no unknown keys.
  const auto wrong = train(folder, "--resume --set training.lookahead=5");
  CHECK(wrong.status == 2);
  folder.write("mine.json", config);
  const auto mine = run_program(folder, "train mine.json --resume");
  CHECK(mine.status == 2);
  CHECK_THAT(mine.err, Contains("training.lookahead: unknown key."));
}

namespace {

const std::string kTwoUpdates =
    "--set training.validate_every=0 --set training.max_steps=2 --set training.save_every=2 ";

}  // namespace

TEST_CASE("guided alignment needs links, which are read with the corpus", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const std::string guided = kTwoUpdates + "--set training.guided_alignment=0.5 ";
  const auto none = train(folder, guided);
  CHECK(none.status == 2);
  CHECK_THAT(none.err, Contains("training.guided_alignment (0.5) needs links between words"));
  const auto layer = train(folder, guided +
                                       "--set data.train[0].alignment=links "
                                       "--set training.guided_alignment_layer=2");
  CHECK(layer.status == 2);
  CHECK_THAT(layer.err, Contains("training.guided_alignment_layer (2) must not exceed "
                                 "model.decoder.layers (1)"));
  std::string links;
  for (int line = 0; line < 600; ++line)
    links += line == 7 ? "0-0 1-1 2-3\n" : "0-0 1-1 2-2\n";
  folder.write("links", links);
  const auto wrong = train(folder, guided + "--set data.train[0].alignment=links");
  CHECK(wrong.status == 3);
  CHECK_THAT(wrong.err, Contains("links:8: links target word 3 (2-3), but the target line has 3 "
                                 "words"));
  links.replace(links.find("2-3"), 3, "2-2");
  folder.write("links", links);
  const auto right = train(folder, guided + "--set data.train[0].alignment=links");
  INFO(right.err);
  CHECK(right.status == 0);
}

TEST_CASE("a teacher gives its tokenisers, or is refused", "[program][train]") {
  const TemporaryFolder folder;
  write_task(folder);
  const std::string taught =
      kTwoUpdates + "--set training.teacher=" + dragoman_test::tiny_model() + " ";
  const auto copying = train(folder, taught + "--set model.copy_head.enabled=true");
  CHECK(copying.status == 2);
  CHECK_THAT(copying.err, Contains("has no copy head and the model that is trained has one"));
  REQUIRE(
      train(folder, kTwoUpdates + "--set tokenizer.vocabulary_size=50 --set training.output=other")
          .status == 0);
  const auto other = train(
      folder, taught + "--set training.output=third --set tokenizer.source_model=other/source.spm");
  CHECK(other.status == 2);
  CHECK_THAT(other.err, Contains("has other tokenisers than the model that is trained"));
  const auto missing = train(folder, kTwoUpdates + "--set training.teacher=none.pt");
  CHECK(missing.status == 4);
  CHECK_THAT(missing.err, Contains("none.pt"));
  // The teacher's 60 pieces, whatever the configuration says of a size.
  const auto right = train(folder, taught + "--set tokenizer.vocabulary_size=40");
  INFO(right.err);
  CHECK(right.status == 0);
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
