#include "tests/support/catch.h"
#include "tests/support/program.h"

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using Catch::Matchers::StartsWith;
using dragoman_test::run_program;
using dragoman_test::run_shell;
using dragoman_test::TemporaryFolder;

TEST_CASE("the program tells its version and what it was built from", "[program]") {
  const TemporaryFolder folder;
  const auto version = run_program(folder, "--version");
  CHECK(version.status == 0);
  CHECK_THAT(version.out, StartsWith("dragoman 0."));
  const auto info = run_program(folder, "--build-info");
  CHECK(info.status == 0);
  for (const auto* part :
       {"LibTorch: 2.", "SentencePiece: ", "compiler: ", "CPU instructions used by LibTorch: "}) {
    CHECK_THAT(info.out, Contains(part));
  }
  CHECK(info.err.empty());
}

TEST_CASE("help goes to standard output and lists the commands", "[program]") {
  const TemporaryFolder folder;
  const auto help = run_program(folder, "--help");
  CHECK(help.status == 0);
  for (const auto* command :
       {"train", "translate", "score", "evaluate", "average", "tokenizer", "inspect", "config"}) {
    CHECK_THAT(help.out, Contains(command));
  }
  CHECK(help.err.empty());
}

TEST_CASE("without a command the program names the commands", "[program]") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "");
  CHECK(result.status == 2);
  CHECK_THAT(result.err, StartsWith("dragoman: name a command: train, "));
  CHECK(result.out.empty());
}

TEST_CASE("a misspelt command or flag is answered with the nearest one", "[program]") {
  const TemporaryFolder folder;
  const auto command = run_program(folder, "trian run.json");
  CHECK(command.status == 2);
  CHECK_THAT(command.err, Contains("dragoman: unknown command trian. Did you mean train?"));
  const auto flag = run_program(folder, "average --outptu a.pt b.pt");
  CHECK(flag.status == 2);
  CHECK_THAT(flag.err,
             Contains("dragoman: average: unknown flag --outptu. Did you mean --output?"));
  const auto nested = run_program(folder, "tokenizer encod");
  CHECK(nested.status == 2);
  CHECK_THAT(nested.err, Contains("tokenizer: unknown command encod. Did you mean encode?"));
}

TEST_CASE("a missing or impossible argument is a usage error", "[program]") {
  const TemporaryFolder folder;
  const auto missing = run_program(folder, "average a.pt");
  CHECK(missing.status == 2);
  CHECK_THAT(missing.err, Contains("--output is required"));
  const auto choice = run_program(folder, "tokenizer encode --model m --format words");
  CHECK(choice.status == 2);
  CHECK_THAT(choice.err, Contains("pieces,ids"));
}

TEST_CASE("a reader that has enough ends the program quietly", "[program]") {
  const TemporaryFolder folder;
  const auto result = run_shell(folder, "{ \"$DRAGOMAN\" config; echo $? >status; } | true");
  CHECK(result.err.empty());
  CHECK(folder.read("status") == "0\n");
}

TEST_CASE("a standard output that takes nothing is an error", "[program]") {
  const TemporaryFolder folder;
  const auto result = run_program(folder, "config >/dev/full");
  CHECK(result.status == 5);
  CHECK_THAT(result.err, Contains("No space left on device"));
}
