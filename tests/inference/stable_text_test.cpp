#include "dragoman/inference/service/stable_text.h"

#include "dragoman/data/error.h"
#include "tests/support/catch.h"

using dragoman::StableText;

TEST_CASE("a growing text is given out part by part", "[stable_text]") {
  StableText text;
  CHECK(text.advance("").empty());
  CHECK(text.advance("Zwei") == "Zwei");
  CHECK(text.advance("Zwei").empty());
  CHECK(text.advance("Zwei Hunde sp") == " Hunde sp");
  CHECK(text.finish("Zwei Hunde spielen.") == "ielen.");
}

TEST_CASE("characters are given out when they are whole", "[stable_text]") {
  StableText text;
  CHECK(text.advance("a \xef\xbf\xbd") == "a");
  CHECK(text.advance("a \xef\xbf\xbd\xef\xbf\xbd").empty());
  CHECK(text.advance("a \xe6\x9d\x8e b\xef\xbf\xbd") == " \xe6\x9d\x8e b");
  CHECK(text.finish("a \xe6\x9d\x8e b\xef\xbf\xbd") == "\xef\xbf\xbd");  // it was none after all
}

TEST_CASE("whitespace waits for what follows it", "[stable_text]") {
  StableText text;
  CHECK(text.advance("one ") == "one");
  CHECK(text.finish("one").empty());
  StableText other;
  CHECK(other.advance(" \n").empty());
  CHECK(other.finish(" \n") == " \n");
}

TEST_CASE("a text that changed is no continuation", "[stable_text]") {
  StableText text;
  CHECK(text.advance("one two") == "one two");
  CHECK(text.advance("one three").empty());
  CHECK_THROWS_AS(text.finish("one three"), dragoman::Error);
}
