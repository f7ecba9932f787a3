#include "tests/support/catch.h"
#include "tests/support/program.h"

using Catch::Matchers::Contains;
using dragoman_test::run_program;
using dragoman_test::TemporaryFolder;

namespace {

std::string sentences() {
  std::string text;
  for (int number = 0; number < 400; ++number) {
    text += "the dog number " + std::to_string(number) +
            " runs through the snow\nein Hund läuft im Schnee Nummer " +
            std::to_string(number * 7) + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("a trained tokeniser encodes lines and decodes them back", "[program][tokenizer]") {
  const TemporaryFolder folder;
  folder.write("text", sentences());
  const auto trained = run_program(folder,
                                   "tokenizer train --input text --output m.spm --type bpe "
                                   "--vocabulary-size 120 --split-digits");
  INFO(trained.err);
  REQUIRE(trained.status == 0);
  CHECK_THAT(trained.err, Contains("m.spm: 120 pieces from 800 lines"));
  folder.write("lines", "the dog runs\n\nein Hund läuft\n");
  for (const auto* format : {"pieces", "ids"}) {
    const auto flags = std::string("--model m.spm --format ") + format;
    REQUIRE(
        run_program(folder, "tokenizer encode " + flags + " --input lines --output coded").status ==
        0);
    CHECK(folder.read("coded") != folder.read("lines"));
    const auto decoded = run_program(folder, "tokenizer decode " + flags + " <coded");
    CHECK(decoded.status == 0);
    CHECK(decoded.out == folder.read("lines"));
  }
  folder.write("bad", "5 6\n5 120\n");
  const auto bad = run_program(folder, "tokenizer decode --model m.spm --format ids --input bad");
  CHECK(bad.status == 3);
  CHECK_THAT(bad.err, Contains("bad:2: \"120\" is no id of this tokeniser (0 to 119)"));
}

TEST_CASE("text that is empty is named", "[program][tokenizer]") {
  const TemporaryFolder folder;
  folder.write("none", "");
  folder.write("blank", "\n \n");
  const auto result =
      run_program(folder, "tokenizer train --input none blank --output m.spm --vocabulary-size 20");
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Contains("none, blank: there is no text to train a tokeniser on: of 2 "
                                  "lines 1 are empty and 1 hold only blanks."));
}

TEST_CASE("wrong settings of a tokeniser are named as flags, all at once", "[program][tokenizer]") {
  const TemporaryFolder folder;
  folder.write("text", sentences());
  const auto result = run_program(folder,
                                  "tokenizer train --input text --output m.spm --type bep "
                                  "--vocabulary-size 3 --character-coverage x");
  CHECK(result.status == 2);
  CHECK_THAT(
      result.err,
      Contains(
          "--type=bep: must be one of bpe, unigram, char, word, is \"bep\". Did you mean bpe?"));
  CHECK_THAT(result.err, Contains("--vocabulary-size=3: 3 is out of range (8 to 10000000)"));
  CHECK_THAT(result.err, Contains("--character-coverage=x: must be a number"));
  CHECK_FALSE(std::filesystem::exists(folder.path("m.spm")));
}

TEST_CASE("a vocabulary too large for the text is refused with the greatest size",
          "[program][tokenizer]") {
  const TemporaryFolder folder;
  folder.write("text", "a b\nb a\n");
  const auto result =
      run_program(folder, "tokenizer train --input text --output m.spm --vocabulary-size 5000");
  INFO(result.err);
  CHECK(result.status == 3);
  CHECK_THAT(result.err, Contains("5000"));
}

TEST_CASE("text or a tokeniser that is missing or foreign is refused", "[program][tokenizer]") {
  const TemporaryFolder folder;
  folder.write("text", "hello\n");
  folder.write("empty", "");
  CHECK(run_program(folder, "tokenizer train --input none --output m.spm").status == 3);
  CHECK(run_program(folder, "tokenizer train --input empty --output m.spm").status == 3);
  const auto foreign = run_program(folder, "tokenizer encode --model text --input text");
  CHECK(foreign.status == 3);
  CHECK_THAT(foreign.err, Contains("text"));
  folder.write("bytes", "good\nbad \xff\xfe\n");
  const auto bytes = run_program(folder, "tokenizer train --input bytes --output m.spm");
  CHECK(bytes.status == 3);
  CHECK_THAT(bytes.err, Contains("bytes:2"));
}
