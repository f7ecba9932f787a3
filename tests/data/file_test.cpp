#include "dragoman/data/file.h"

#include <sys/wait.h>
#include <unistd.h>

#include "dragoman/data/error.h"
#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temporary_folder.h"

using Catch::Matchers::Contains;
using dragoman::AtomicFile;
using dragoman_test::FileSizeLimit;
using dragoman_test::TemporaryFolder;

TEST_CASE("a file that was written is read back, whatever bytes it holds", "[file]") {
  const TemporaryFolder folder;
  for (const std::size_t size : {0, 1, 1 << 20, (1 << 20) + 1, 3'500'000}) {
    std::string content(size, '\0');
    for (std::size_t at = 0; at < size; ++at)
      content[at] = static_cast<char>(at * 7 + at / 251);
    dragoman::write_file_atomically(folder.path("a"), content);
    CHECK(dragoman::read_file(folder.path("a")) == content);
    CHECK(folder.files() == 1);
  }
}

TEST_CASE("a file may be written in pieces of any size", "[file]") {
  const TemporaryFolder folder;
  std::string expected;
  AtomicFile file(folder.path("a"));
  for (const std::size_t size : {3, 700'000, 700'000, 2'000'000, 0, 5, 1 << 20, 1}) {
    const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
    file.write(piece.data(), piece.size());
    expected += piece;
  }
  file.commit();
  CHECK(folder.read("a") == expected);
}

TEST_CASE("a missing file or a folder cannot be read", "[file]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(dragoman::read_file(folder.path("none")), Contains("none: no such file"));
  CHECK_THROWS_AS(dragoman::read_file(folder.path("none")), dragoman::DataError);
  CHECK_THROWS_WITH(dragoman::read_file(folder.path()), Contains("is a folder"));
}

TEST_CASE("without commit the old file stays and no temporary file is left", "[file]") {
  const TemporaryFolder folder;
  folder.write("a", "old");
  {
    AtomicFile file(folder.path("a"));
    file.write("new", 3);
    CHECK(folder.files() == 2);
  }
  CHECK(folder.read("a") == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("a failing disk leaves the old file and no temporary file", "[file]") {
  const TemporaryFolder folder;
  folder.write("a", "old");
  const std::string content(200'000, 'x');
  {
    const FileSizeLimit limit(100'000);
    CHECK_THROWS_AS(dragoman::write_file_atomically(folder.path("a"), content),
                    dragoman::SystemError);
    CHECK_THROWS_WITH(dragoman::write_file_atomically(folder.path("a"), content),
                      Contains("a: cannot be written: File too large"));
  }
  CHECK(folder.read("a") == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("a full device is reported", "[file]") {
  CHECK_THROWS_WITH(dragoman::write_file_atomically("/dev/full", "text"),
                    Contains("No space left on device. Free some space"));
}

TEST_CASE("writing to a device leaves it a device", "[file]") {
  dragoman::write_file_atomically("/dev/null", "text");
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("an impossible place to write to is named", "[file]") {
  const TemporaryFolder folder;
  folder.write("a", "");
  CHECK_THROWS_WITH(dragoman::write_file_atomically(folder.path("none/a"), ""),
                    Contains("none a folder?"));
  CHECK_THROWS_WITH(dragoman::write_file_atomically(folder.path("a/b"), ""), Contains("a folder?"));
  CHECK_THROWS_WITH(dragoman::write_file_atomically(folder.path(), ""), Contains("Is a directory"));
}

TEST_CASE("temporary files of dead processes are removed, others stay", "[file]") {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  folder.write(".model.pt." + std::to_string(child) + "-0.tmp", "");
  folder.write(".model.pt." + std::to_string(::getpid()) + "-0.tmp", "");
  folder.write(".model.pt.x-0.tmp", "");
  folder.write("model.tmp", "");
  dragoman::remove_stale_temporaries(folder.path());
  CHECK(folder.files() == 3);
  CHECK_FALSE(
      std::filesystem::exists(folder.path(".model.pt." + std::to_string(child) + "-0.tmp")));
  dragoman::remove_stale_temporaries(folder.path("none"));
}
