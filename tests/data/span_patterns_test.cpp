#include "dragoman/data/span_patterns.h"

#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/masked_text.h"
#include "tests/support/catch.h"

using dragoman::SpanPatterns;
using Texts = std::vector<std::string>;

namespace {

Texts found(const Texts& patterns, const std::string& text) {
  Texts spans;
  for (const auto& range : SpanPatterns(patterns).find(text))
    spans.push_back(text.substr(range.begin, range.end - range.begin));
  return spans;
}

}  // namespace

TEST_CASE("named patterns find what they name", "[span_patterns]") {
  CHECK(found({"url"}, "see https://a.example/b?c=1, or www.d.example.") ==
        Texts{"https://a.example/b?c=1", "www.d.example"});
  CHECK(found({"email"}, "Mail o'hara+x@mail.example.org!") == Texts{"hara+x@mail.example.org"});
  CHECK(found({"number"}, "From 3 to 1,000.5 or 50% on 24/12, not v2 or 2nd") ==
        Texts{"3", "1,000.5", "50%", "24/12"});
  CHECK(found({"placeholder"}, "Hello {0} and ${name}: %s has %1$d files, 100 % sure") ==
        Texts{"{0}", "${name}", "%s", "%1$d"});
  CHECK(found({"tag"}, "a <b>bold</b> <br/> word, 1 < 2") == Texts{"<b>", "</b>", "<br/>"});
}

TEST_CASE("expressions of the user count in bytes of UTF-8", "[span_patterns]") {
  CHECK(found({"[\\u4e00-\\u9fff]+"}, "\xc3\xa4 \xe6\x9d\x8e\xe6\x98\x8e x") ==
        Texts{"\xe6\x9d\x8e\xe6\x98\x8e"});
}

TEST_CASE("of overlapping spans the earlier and longer one stays", "[span_patterns]") {
  CHECK(found({"number", "url"}, "https://a.example/12 12") == Texts{"https://a.example/12", "12"});
}

TEST_CASE("what is no regular expression is named", "[span_patterns]") {
  CHECK_THROWS_AS(SpanPatterns({"(a"}), dragoman::UsageError);
  CHECK_THROWS_WITH(SpanPatterns({"(a"}), Catch::Matchers::Contains("\"(a\" is no name"));
}

TEST_CASE("an exponential expression ends in an error", "[span_patterns]") {
  const SpanPatterns patterns({"(a+)+b"});
  CHECK_THROWS_WITH(patterns.find(std::string(60, 'a')),
                    Catch::Matchers::Contains("takes too long"));
}

TEST_CASE("places in a masked text lead back to the original", "[span_patterns]") {
  const std::string text = "ab 12 cd 345";
  const std::vector<dragoman::TextRange> spans{{3, 5}, {9, 12}};
  const Texts masks{dragoman::mask_character(0), dragoman::mask_character(1)};
  const dragoman::MaskedText masked(text, spans, masks);
  CHECK(masks[1] == "\xf3\xb0\x80\x81");
  CHECK(masked.text() == "ab " + masks[0] + " cd " + masks[1]);
  CHECK(masked.original(2) == 2);
  CHECK(masked.original(3) == 3);
  CHECK(masked.original(5) == 3);
  CHECK(masked.original(7) == 5);
  CHECK(masked.original(masked.text().size()) == text.size());
}
