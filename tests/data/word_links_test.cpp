#include "dragoman/data/word_links.h"

#include <ATen/ATen.h>

#include "dragoman/data/error.h"
#include "dragoman/data/packed_pairs.h"
#include "dragoman/data/pair_encoder.h"
#include "dragoman/data/parallel_reader.h"
#include "tests/data/streams.h"
#include "tests/support/catch.h"

using Catch::Contains;
using dragoman::TextRange;
using dragoman::WordLink;
using dragoman_test::open_stream;
using dragoman_test::small_batches;
using dragoman_test::TemporaryFolder;
using Links = std::vector<WordLink>;

namespace {

/// What the links of tokens say in text: pairs of pieces.
std::vector<std::pair<std::string, std::string>> linked_pieces(const dragoman::PairEncoder& encoder,
                                                               const dragoman::Example& example) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const WordLink& link : example.links)
    pairs.emplace_back(
        encoder.source().piece(example.source[static_cast<std::size_t>(link.source)]),
        encoder.target().piece(example.target[static_cast<std::size_t>(link.target)]));
  return pairs;
}

dragoman::Tokenizer word_tokenizer(const std::vector<std::string>& lines, std::int64_t size) {
  dragoman::TokenizerConfig config;
  config.type = dragoman::TokenizerType::word;
  config.vocabulary_size = size;
  return dragoman::Tokenizer::from_bytes(dragoman::train_tokenizer(config, lines), "words");
}

}  // namespace

TEST_CASE("lines of links are read, and refused with their place", "[word_links]") {
  const auto parse = [](const std::string& line) {
    return dragoman::parse_links(line, "links:7", "a  b c", "x y");
  };
  CHECK((parse("") == Links{}));
  CHECK((parse(" \t") == Links{}));
  CHECK((parse("0-0 2-1\t1-1") == Links{{0, 0}, {2, 1}, {1, 1}}));
  for (const std::string wrong :
       {"0", "0-", "-0", "0:0", "0-1-1", "x-0", "0-0.5", "1--1", "99999999999-0"}) {
    CAPTURE(wrong);
    CHECK_THROWS_WITH(parse("0-0 " + wrong), Contains("links:7: \"" + wrong + "\" is no link."));
  }
  CHECK_THROWS_WITH(parse("3-0"),
                    Contains("links:7: links source word 3 (3-0), but the source line "
                             "has 3 words, counted from 0."));
  CHECK_THROWS_WITH(parse("0-2"), Contains("the target line has 2 words"));
  CHECK_THROWS_AS(parse("0-2"), dragoman::DataError);
}

TEST_CASE("tokens belong to the words that they are part of", "[word_links]") {
  const std::string text = "  ab  c de ";
  const std::vector<TextRange> tokens{{0, 3}, {3, 4}, {4, 7}, {7, 10}, {6, 10}, {10, 11}};
  const std::vector<TextRange> expected{{0, 1}, {0, 1}, {1, 2}, {2, 3}, {1, 3}, {3, 3}};
  CHECK((dragoman::words_of_tokens(tokens, text) == expected));
}

TEST_CASE("all tokens of linked words are linked", "[word_links]") {
  // Source words: 0 of tokens 0 and 1, 1 of token 2; target words: 0 of token 0, 1 of 1 and 2.
  const std::vector<TextRange> source{{0, 1}, {0, 1}, {1, 2}};
  const std::vector<TextRange> target{{0, 1}, {1, 2}, {1, 2}};
  const Links words{{0, 1}, {1, 0}, {0, 1}};
  CHECK((dragoman::token_links(words, source, target) ==
         Links{{2, 0}, {0, 1}, {1, 1}, {0, 2}, {1, 2}}));
}

TEST_CASE("links between words become links between pieces", "[word_links]") {
  const dragoman::Tokenizer& characters = dragoman_test::shared_tokenizer();
  const dragoman::PairEncoder encoder(characters, characters);
  const Links words{{0, 1}, {1, 0}};
  const auto example = encoder.encode("ab c", "d ef", {.links = words});
  CHECK(example.source == characters.encode("ab c"));
  CHECK(example.target == characters.encode("d ef"));
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK((linked_pieces(encoder, example) ==
         Pairs{{"c", "d"}, {"a", "e"}, {"b", "e"}, {"a", "f"}, {"b", "f"}}));
  // What a cut source lost is linked to nothing.
  CHECK((linked_pieces(encoder,
                       encoder.encode("ab c", "d ef", {.max_source_length = 3, .links = words})) ==
         Pairs{{"a", "e"}, {"b", "e"}, {"a", "f"}, {"b", "f"}}));
  CHECK(encoder.encode("ab c", "d ef").links.empty());
}

TEST_CASE("words that only copying produces are linked too", "[word_links]") {
  const std::vector<std::string> sources{"the man reads", "the dog runs", "a man runs"};
  const std::vector<std::string> targets{"der Mann liest", "der Hund rennt", "ein Mann rennt"};
  const dragoman::PairEncoder encoder(word_tokenizer(sources, 10), word_tokenizer(targets, 10),
                                      {.enabled = true});
  const Links words{{0, 0}, {1, 1}, {2, 2}};
  const auto example = encoder.encode("the Quirin reads", "der Quirin liest", {.links = words});
  REQUIRE(example.target.size() == 3);
  CHECK(example.target[1] >= encoder.target().size());
  CHECK((example.links == words));
  const Links crossed{{0, 2}, {2, 0}};
  const auto swapped = encoder.encode("Zwack the Quirin", "Quirin der Zwack", {.links = crossed});
  CHECK((swapped.links == Links{{2, 0}, {0, 2}}));
}

TEST_CASE("packed pairs keep their links", "[word_links]") {
  dragoman::PackedPairs pairs;
  dragoman::Example first{{4, 5, 600}, {7, 8}};
  first.links = {{2, 0}, {0, 1}, {1, 1}};
  dragoman::Example second{{9}, {10, 11}};
  second.copy_ids = {12};
  second.links = {{0, 1}};
  for (const auto& example : {first, dragoman::Example{{1}, {2}}, second})
    pairs.append(example);
  CHECK((pairs.unpack(0).links == first.links));
  CHECK(pairs.unpack(1).links.empty());
  CHECK((pairs.unpack(2).links == second.links));
  CHECK(pairs.unpack(2).copy_ids == second.copy_ids);
}

TEST_CASE("a batch knows the place and the weight of each link", "[word_links]") {
  std::vector<dragoman::Example> examples{{{10, 11, 12}, {20}}, {{13}, {21, 22}}};
  CHECK_FALSE(dragoman::collate(examples, {}).links.defined());
  examples[0].links = {{0, 0}, {2, 0}};
  examples[1].links = {{0, 1}};
  const dragoman::Batch batch = dragoman::collate(examples, {});  // T = 3, S = 4
  CHECK(at::equal(batch.links, at::tensor({0, 2, (3 + 1) * 4}, at::kLong)));
  CHECK(at::equal(batch.link_weights, at::tensor({0.5F, 0.5F, 1.0F})));
  CHECK(at::equal(batch.to(at::kCPU).links, batch.links));
}

TEST_CASE("a stream carries the links of its corpus, also after seeking", "[word_links]") {
  const TemporaryFolder folder;
  std::string text;
  std::string links;
  for (int line = 0; line < 300; ++line) {
    text += "a b" + std::string(static_cast<std::size_t>(line % 7), 'c') + "\n";
    links += line % 3 == 0 ? "0-0 1-1\n" : line % 3 == 1 ? "\n" : "0-1\n";
  }
  const auto source = folder.write("s", text);
  const auto target = folder.write("t", text);
  auto config = small_batches({{.source = source, .target = target}});
  CHECK_FALSE(open_stream(config).next().batch.links.defined());
  config.train[0].alignment = folder.write("links", links);
  auto stream = open_stream(config);
  for (int batch = 0; batch < 3; ++batch)
    static_cast<void>(stream.next());
  const std::string position = stream.next().position;
  auto later = open_stream(config);
  later.seek(position);
  for (int batch = 0; batch < 20; ++batch) {
    const auto expected = stream.next().batch;
    const auto actual = later.next().batch;
    REQUIRE(expected.links.defined());
    CHECK(at::equal(actual.source, expected.source));
    CHECK(at::equal(actual.links, expected.links));
    CHECK(at::equal(actual.link_weights, expected.link_weights));
  }
}

TEST_CASE("a bad or misaligned file of links stops the stream", "[word_links]") {
  const TemporaryFolder folder;
  const auto text = folder.write("text", "a b\nc d\n");
  const auto open = [&](const std::string& links) {
    return open_stream(small_batches(
        {{.source = text, .target = text, .alignment = folder.write("links", links)}}));
  };
  CHECK_THROWS_WITH(open("0-0\n"), Contains("has 2 lines, but " + folder.path("links") + " has 1"));
  auto stream = open("0-0\n1-2\n");
  CHECK_THROWS_WITH(stream.next(), Contains("links:2: links target word 2 (1-2)"));
  dragoman::ParallelReader reader(
      {.source = text, .target = text, .alignment = folder.path("links")},
      dragoman::InvalidText::error);
  std::string source;
  std::string target;
  CHECK(reader.next(source, target));
  CHECK((reader.links() == Links{{0, 0}}));
  folder.write("links", "0-0\n1-1\n\n");
  dragoman::ParallelReader longer(
      {.source = text, .target = text, .alignment = folder.path("links")},
      dragoman::InvalidText::error);
  CHECK(longer.next(source, target));
  CHECK(longer.next(source, target));
  CHECK_THROWS_WITH(longer.next(source, target),
                    Contains(text + ": has 2 lines, but " + folder.path("links") + " has 3"));
}
