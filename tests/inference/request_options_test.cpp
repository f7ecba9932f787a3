// Decoding options as a caller of Translator meets them.
#include <algorithm>
#include <memory>
#include <set>

#include "dragoman/data/error.h"
#include "dragoman/inference/translator.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using Catch::Contains;
using Catch::StartsWith;
using dragoman::DecodingOptions;
using dragoman::Status;
using dragoman::TextOptions;
using dragoman::Translator;
using dragoman_test::tiny_lines;

namespace {

/// Random weights; its outputs mean nothing.
class TinyTranslator {
 public:
  explicit TinyTranslator(const dragoman::TranslatorOptions& options = {.threads = 1}) {
    save_archive(dragoman_test::tiny_archive(
                     dragoman_test::tiny_transformer(dragoman_test::tiny_config(60))),
                 folder_.path("model.pt"));
    translator_ = std::make_unique<Translator>(folder_.path("model.pt"), options);
  }
  const Translator* operator->() const { return translator_.get(); }
  const Translator& operator*() const { return *translator_; }

 private:
  dragoman_test::TemporaryFolder folder_;
  std::unique_ptr<Translator> translator_;
};

std::string refusal(const Translator& translator, const DecodingOptions& options,
                    const TextOptions& own = {}) {
  try {
    const std::vector<std::string> texts = {"two dogs"};
    static_cast<void>(translator.translate_batch(texts, options, std::vector{own}));
  } catch (const dragoman::UsageError& error) {
    return error.what();
  }
  return "no error";
}

DecodingOptions changed(const Translator& translator, auto&& change) {
  DecodingOptions options = translator.defaults();
  change(options);
  return options;
}

}  // namespace

TEST_CASE("outputs begin with their prefix, spaces as they are", "[translator][prefix]") {
  const TinyTranslator translator;
  DecodingOptions options = translator->defaults();
  options.prefix = "a man in";
  const std::vector<TextOptions> own = {{}, {.prefix = "two do"}, {}};
  const auto results = translator->translate_batch(std::span(tiny_lines()).first(3), options, own);
  CHECK_THAT(results[0].text(), StartsWith("a man in"));
  CHECK_THAT(results[1].text(), StartsWith("two do"));
  CHECK_THAT(results[2].text(), StartsWith("a man in"));
  for (const auto& result : results)
    CHECK(result.hypotheses.front().token_scores.size() >= result.hypotheses.front().tokens.size());
}

TEST_CASE("the scores of a prefix are those of scoring", "[translator][prefix]") {
  const TinyTranslator translator;
  DecodingOptions options = translator->defaults();
  options.prefix = "the small child";
  const auto result = translator->translate("dogs run", options);
  const auto& best = result.hypotheses.front();
  if (best.token_scores.size() == best.tokens.size()) return;  // capped: it cannot be scored whole
  const auto score = translator->score_batch(std::vector<std::string>{"dogs run"},
                                             std::vector<std::string>{best.text})[0];
  if (score.tokens != best.tokens) return;  // spelled another way
  for (std::size_t token = 0; token < score.token_scores.size(); ++token)
    CHECK(best.token_scores[token] == Approx(score.token_scores[token]).margin(1e-4));
}

TEST_CASE("alternatives begin with the prefix and then differ", "[translator][prefix]") {
  const TinyTranslator translator;
  DecodingOptions options = translator->defaults();
  options.prefix = "two dogs";
  options.prefix_alternatives = true;
  options.n_best = 3;
  const auto result = translator->translate("a cat", options);
  REQUIRE(result.hypotheses.size() == 3);
  const auto prefix = dragoman_test::tiny_tokenizer().encode_pieces("two dogs");
  std::set<std::string> next;
  for (const auto& hypothesis : result.hypotheses) {
    REQUIRE(hypothesis.tokens.size() >= prefix.size());
    CHECK(std::equal(prefix.begin(), prefix.end(), hypothesis.tokens.begin()));
    next.insert(hypothesis.tokens.size() > prefix.size() ? hypothesis.tokens[prefix.size()] : "");
  }
  CHECK(next.size() == 3);
}

TEST_CASE("outputs hold their constraints as whole words, or say that they do not",
          "[translator][constraints]") {
  const TinyTranslator translator;
  DecodingOptions options = translator->defaults();
  options.beam_size = 8;
  options.constraints = {"newspaper"};
  const std::vector<TextOptions> own = {{}, {.constraints = {"old man", "sits"}}};
  const auto results = translator->translate_batch(std::span(tiny_lines()).first(2), options, own);
  for (const auto& result : results) {
    INFO(result.text());
    CHECK_THAT(result.text() + " ", Contains(" newspaper ") || StartsWith("newspaper "));
    CHECK(result.hypotheses.front().unmet_constraints.empty());
    CHECK_FALSE(result.has(Status::constraints_unmet));
  }
  CHECK_THAT(results[1].text(), Contains("old man"));
  CHECK_THAT(results[1].text(), Contains("sits"));
  options.max_length = 2;
  const auto cut = translator->translate("two dogs", options);
  CHECK(cut.has(Status::constraints_unmet));
  CHECK((cut.hypotheses.front().unmet_constraints == std::vector<std::string>{"newspaper"}));
}

TEST_CASE("what is suppressed is not said", "[translator]") {
  const TinyTranslator translator;
  DecodingOptions options = translator->defaults();
  const auto before = translator->translate("two dogs play", options).hypotheses.front();
  REQUIRE_FALSE(before.tokens.empty());
  options.suppress = {before.tokens.front()};
  const auto after = translator->translate("two dogs play", options).hypotheses.front();
  CHECK(std::ranges::find(after.tokens, before.tokens.front()) == after.tokens.end());
}

TEST_CASE("samples are the same whatever the batches and threads", "[translator][sampling]") {
  const TinyTranslator one({.threads = 1, .batch_size = 1});
  const TinyTranslator many({.threads = 3, .batch_size = 4});
  DecodingOptions options = one->defaults();
  options.sample = true;
  options.n_best = 2;
  options.max_length = 8;
  std::vector<std::string> texts = tiny_lines();
  texts.push_back(texts[0]);
  const auto first = one->translate_batch(texts, options);
  const auto second = many->translate_batch(texts, options);
  for (std::size_t text = 0; text < texts.size(); ++text)
    for (std::size_t number = 0; number < 2; ++number)
      CHECK(first[text].hypotheses[number].text == second[text].hypotheses[number].text);
  CHECK(first[0].hypotheses[0].text != first[10].hypotheses[0].text);
  // A text's number stands for its place.
  const std::vector<TextOptions> own = {{.number = 10}};
  CHECK(one->translate_batch(std::span(texts).first(1), options, own)[0].text() ==
        first[10].text());
}

TEST_CASE("minimum Bayes risk keeps what is most like the others", "[translator][mbr]") {
  const TinyTranslator translator;
  DecodingOptions options = translator->defaults();
  options.sample = true;
  options.mbr_candidates = 16;
  options.n_best = 4;
  options.max_length = 6;
  const auto result = translator->translate("two dogs play", options);
  REQUIRE(result.hypotheses.size() == 4);
  for (std::size_t rank = 1; rank < 4; ++rank)
    CHECK(result.hypotheses[rank - 1].expected_chrf >= result.hypotheses[rank].expected_chrf);
  CHECK(result.hypotheses[0].expected_chrf > 0.0);
  options.sample = false;
  options.beam_size = options.mbr_candidates = options.n_best = 3;
  CHECK(translator->translate("two dogs play", options).hypotheses.size() <= 3);
}

TEST_CASE("an output that loops is flagged", "[translator]") {
  const TinyTranslator translator;
  DecodingOptions options = translator->defaults();
  options.prefix = "a man a man a man";
  options.loop_repeats = 3;
  CHECK(translator->translate("two dogs", options).has(Status::looped));
  options.loop_repeats = 0;
  CHECK_FALSE(translator->translate("two dogs", options).has(Status::looped));
}

TEST_CASE("options that contradict one another are refused by name", "[translator]") {
  const TinyTranslator t;
  const auto with = [&](auto&& change) { return refusal(*t, changed(*t, change)); };
  using Options = DecodingOptions;
  CHECK_THAT(with([](Options& o) { o.sample = true, o.beam_size = 4, o.beam_groups = 2; }),
             Contains("sample") && Contains("beam_groups"));
  CHECK_THAT(with([](Options& o) { o.sample = true, o.constraints = {"dog"}; }),
             Contains("sample") && Contains("constraints"));
  CHECK_THAT(with([](Options& o) { o.sample = true, o.prefix_alternatives = true; }),
             Contains("sample") && Contains("prefix_alternatives"));
  CHECK_THAT(with([](Options& o) { o.beam_groups = 2, o.beam_size = 3; }),
             Contains("beam_groups (2)") && Contains("beam_size (3)"));
  CHECK_THAT(with([](Options& o) { o.beam_groups = 3, o.constraints = {"dog"}; }),
             Contains("beam_groups") && Contains("constraints"));
  CHECK_THAT(with([](Options& o) { o.prefix_alternatives = true, o.constraints = {"dog"}; }),
             Contains("prefix_alternatives") && Contains("constraints"));
  CHECK_THAT(with([](Options& o) { o.top_k = 5; }), Contains("top_k (5)") && Contains("sample"));
  CHECK_THAT(with([](Options& o) { o.temperature = 0.5; }), Contains("temperature"));
  CHECK_THAT(with([](Options& o) { o.stop_loops = true, o.loop_repeats = 0; }),
             Contains("loop_repeats (0)"));
  CHECK_THAT(with([](Options& o) { o.mbr_candidates = 9; }),
             Contains("mbr_candidates (9)") && Contains("beam_size (3)"));
  CHECK_THAT(with([](Options& o) { o.prefix_alternatives = true, o.mbr_candidates = 2; }),
             Contains("prefix_alternatives") && Contains("mbr_candidates"));
  CHECK_THAT(with([](Options& o) { o.suppress = {"qqq"}; }), Contains("suppress: 'qqq'"));
  CHECK_THAT(with([](Options& o) { o.suppress = {"</s>"}; }), Contains("ends every output"));
  CHECK_THAT(with([](Options& o) { o.prefix = "a \xe6\x9d\x8e"; }),
             Contains("prefix of texts[0]") && Contains("\xe6\x9d\x8e"));
  CHECK_THAT(with([](Options& o) { o.prefix = tiny_lines()[0], o.max_length = 3; }),
             Contains("prefix of texts[0]") && Contains("max_length"));
  CHECK_THAT(with([](Options& o) { o.constraints = {" "}; }), Contains("blank"));
  const auto sampled = changed(*t, [](Options& o) { o.sample = true; });
  CHECK_THAT(refusal(*t, sampled, {.constraints = {"dog"}}), Contains("constraints of texts[0]"));
}
