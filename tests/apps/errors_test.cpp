// The program's errors that cross commands: exit statuses, and a message that says what to do.
#include <ATen/core/Tensor.h>
#include <ATen/ops/ones.h>
#include <unistd.h>

#include "dragoman/data/archive.h"
#include "tests/support/catch.h"
#include "tests/support/program.h"

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using dragoman_test::run_program;
using dragoman_test::run_shell;
using dragoman_test::TemporaryFolder;

namespace {

void save_weights(const TemporaryFolder& folder, const std::string& name, std::int64_t size) {
  dragoman::save_archive({{{"weight", at::ones({size})}}, {{"config.json", "{}"}}},
                         folder.path(name));
}

}  // namespace

TEST_CASE("a model that is missing, truncated, foreign or damaged ends with status 4",
          "[program]") {
  const TemporaryFolder folder;
  save_weights(folder, "good.pt", 100);
  const auto bytes = folder.read("good.pt");
  folder.write("cut.pt", bytes.substr(0, bytes.size() / 2));
  folder.write("text.pt", "hello\n");
  auto flipped = bytes;
  flipped[bytes.find("\x80\x3f\0\0\x80\x3f") + 1] ^= 1;  // within the ones
  folder.write("flipped.pt", flipped);
  const std::pair<const char*, const char*> cases[] = {
      {"none.pt", "none.pt: no such file"},
      {"cut.pt", "cut.pt: is truncated"},
      {"text.pt", "text.pt: is no model file"},
      {"flipped.pt", "flipped.pt: is damaged: record"}};
  for (const auto& [file, message] : cases) {
    const auto result = run_program(folder, std::string("inspect ") + file);
    INFO(result.err);
    CHECK(result.status == 4);
    CHECK_THAT(result.err, StartsWith(std::string("dragoman: ") + message));
    CHECK(result.out.empty());
  }
}

TEST_CASE("checkpoints of different shapes are not averaged", "[program]") {
  const TemporaryFolder folder;
  save_weights(folder, "a.pt", 3);
  save_weights(folder, "b.pt", 4);
  const auto result = run_program(folder, "average --output c.pt a.pt b.pt");
  CHECK(result.status == 4);
  CHECK_THAT(result.err, Contains("b.pt") && Contains("weight"));
  CHECK_FALSE(std::filesystem::exists(folder.path("c.pt")));
}

TEST_CASE("checkpoints are averaged into a file that opens", "[program]") {
  const TemporaryFolder folder;
  dragoman::save_archive({{{"weight", at::ones({2})}}, {{"config.json", "first"}}},
                         folder.path("a.pt"));
  dragoman::save_archive({{{"weight", at::ones({2}).mul(4)}}, {{"config.json", "last"}}},
                         folder.path("b.pt"));
  const auto result = run_program(folder, "average --output c.pt a.pt b.pt");
  INFO(result.err);
  REQUIRE(result.status == 0);
  const auto average = dragoman::load_archive(folder.path("c.pt"));
  CHECK(average.tensors.at("weight").equal(at::ones({2}).mul(2.5)));
  CHECK(average.files.at("config.json") == "last");
}

TEST_CASE("averaging the checkpoints of what is no run is refused", "[program]") {
  const TemporaryFolder folder;
  const auto none = run_program(folder, "average --output c.pt --last 3 none");
  CHECK(none.status == 3);
  CHECK_THAT(none.err, Contains("none"));
  const auto two = run_program(folder, "average --output c.pt --best 3 a b");
  CHECK(two.status == 2);
  CHECK_THAT(two.err, Contains("take one run directory, 2 are given"));
  const auto zero = run_program(folder, "average --output c.pt --last 0 a");
  CHECK(zero.status == 2);
}

TEST_CASE("an output that cannot be written ends with status 5 and leaves nothing", "[program]") {
  const TemporaryFolder folder;
  save_weights(folder, "a.pt", 300000);
  const auto no_folder = run_program(folder, "average --output none/c.pt a.pt");
  CHECK(no_folder.status == 5);
  CHECK_THAT(
      no_folder.err,
      Contains("none/c.pt: cannot be written: No such file or directory. Is none a folder?"));
  const auto a_folder = run_program(folder, "average --output . a.pt");
  CHECK(a_folder.status == 5);
  CHECK_THAT(a_folder.err, Contains("Is a directory"));
}

TEST_CASE("a full disk leaves the old file", "[program]") {
  const TemporaryFolder folder;
  save_weights(folder, "a.pt", 300000);
  folder.write("old.pt", "old");
  // 200 KiB at most for any file; the signal of that limit is ignored, so that writes fail instead.
  const auto result =
      run_shell(folder, "trap '' XFSZ; ulimit -f 200; \"$DRAGOMAN\" average --output old.pt a.pt");
  CHECK(result.status == 5);
  CHECK_THAT(result.err, Contains("old.pt: cannot be written: File too large"));
  CHECK(folder.read("old.pt") == "old");
  CHECK(folder.files() == 4);  // a.pt, old.pt, out, err
}

TEST_CASE("a read-only folder is reported", "[program]") {
  if (::geteuid() == 0) {
    WARN("skipped: root may write everywhere");
    return;
  }
  const TemporaryFolder folder;
  save_weights(folder, "a.pt", 3);
  std::filesystem::create_directory(folder.path("locked"));
  std::filesystem::permissions(folder.path("locked"), std::filesystem::perms::owner_read |
                                                          std::filesystem::perms::owner_exec);
  const auto result = run_program(folder, "average --output locked/c.pt a.pt");
  std::filesystem::permissions(folder.path("locked"), std::filesystem::perms::owner_all);
  CHECK(result.status == 5);
  CHECK_THAT(result.err, Contains("locked/c.pt: cannot be written: Permission denied"));
}
