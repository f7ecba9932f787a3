#include "dragoman/training/tensorboard.h"

#include <filesystem>

#include "dragoman/data/error.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

TEST_CASE("CRC-32C has the values of RFC 3720", "[tensorboard]") {
  CHECK(dragoman::crc32c("") == 0u);
  CHECK(dragoman::crc32c("123456789") == 0xE3069283u);
  CHECK(dragoman::crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(dragoman::crc32c(std::string(32, '\xFF')) == 0x62A8AB43u);
}

TEST_CASE("an independent reader finds every scalar in the event file", "[tensorboard]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python (set DRAGOMAN_PYTHON)");
    return;
  }
  const dragoman_test::TemporaryFolder folder;
  std::string path;
  {
    dragoman::EventFile events(folder.path(), 41);
    path = events.path();
    CHECK(events.scalars(50, {{"train/loss", 2.5}, {"train/learning_rate", 0.0009765625}}));
    CHECK(events.scalars(1000000, {{"dev/bleu", -1.25}}));
  }
  CHECK(std::filesystem::path(path).filename().string().starts_with("events.out.tfevents."));
  REQUIRE(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/training/tensorboard_reference.py",
                                    path + " " + folder.path("out.txt")) == 0);
  CHECK(folder.read("out.txt") ==
        "version brain.Event:2\n"
        "session 41 {1: 1}\n"
        "50 train/loss 2.5\n"
        "50 train/learning_rate 0.0009765625\n"
        "1000000 dev/bleu -1.25\n");
}

TEST_CASE("an event file in a folder that is not there says what to do", "[tensorboard]") {
  std::string message;
  try {
    const dragoman::EventFile events("/nonexistent/folder", 0);
  } catch (const dragoman::SystemError& error) {
    message = error.what();
  }
  CHECK_THAT(message,
             Catch::Contains(
                 "cannot be opened: No such file or directory. Set training.tensorboard to false"));
}
