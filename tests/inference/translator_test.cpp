#include "dragoman/inference/translator.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>

#include "dragoman/data/error.h"
#include "tests/inference/tiny_file.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace {

using Catch::Contains;
using dragoman::DecodingOptions;
using dragoman::Status;
using dragoman::Translation;
using dragoman::Translator;
using dragoman::TranslatorOptions;
using dragoman::UsageError;
using dragoman_test::check_same;
using dragoman_test::many_lines;
using dragoman_test::tiny_lines;
using dragoman_test::TinyFile;

}  // namespace

TEST_CASE("results come in the order of the texts, whatever the batches and threads",
          "[translator]") {
  const TinyFile file;
  std::vector<std::string> texts = many_lines(60);
  const Translator reference(file.path(), {.threads = 1, .batch_size = 1});
  const auto expected = reference.translate_batch(texts, reference.defaults());
  REQUIRE(expected.size() == texts.size());
  std::vector<std::size_t> order(texts.size());
  for (std::size_t index = 0; index < order.size(); ++index)
    order[index] = index;
  std::shuffle(order.begin(), order.end(), std::mt19937(5));
  std::vector<std::string> shuffled;
  for (const std::size_t index : order)
    shuffled.push_back(texts[index]);
  for (const std::int64_t batch_size : {7, 64}) {
    const Translator translator(file.path(), {.threads = 3, .batch_size = batch_size});
    const auto found = translator.translate_batch(shuffled, translator.defaults());
    for (std::size_t place = 0; place < order.size(); ++place)
      check_same(found[place], expected[order[place]]);
  }
}

TEST_CASE("an empty or blank text gives an empty translation that says so", "[translator]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 1});
  const std::vector<std::string> texts = {"", "two dogs play", " \t ", "\xE3\x80\x80", "\n"};
  const auto results = translator.translate_batch(texts, translator.defaults());
  REQUIRE(results.size() == 5);
  for (const std::size_t blank : {0, 2, 3, 4}) {
    CHECK(results[blank].status == Status::empty_input);
    CHECK((results[blank].warnings == std::vector<Status>{Status::empty_input}));
    CHECK(results[blank].text().empty());
    CHECK(results[blank].hypotheses.size() == 1);
  }
  CHECK(results[1].status != Status::empty_input);
  CHECK(translator.translate_batch({}, translator.defaults()).empty());
}

TEST_CASE("a source that is too long is cut, and the result says so", "[translator]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 1});
  DecodingOptions options = translator.defaults();
  options.max_source_length = 4;
  const std::string text = "two dogs play in the snow";
  const auto cut = translator.translate(text, options);
  CHECK(cut.status == Status::source_truncated);
  CHECK(cut.has(Status::source_truncated));
  // The same as the translation of its first four pieces.
  const auto tokenizer = dragoman_test::tiny_tokenizer();
  auto ids = tokenizer.encode(text);
  REQUIRE(ids.size() > 4);
  ids.resize(4);
  const std::string start = tokenizer.decode(ids);
  REQUIRE(tokenizer.encode(start) == ids);
  CHECK(translator.translate(start, options).text() == cut.text());
}

TEST_CASE("an output at its limit is returned, and the result says so", "[translator]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 1});
  DecodingOptions options = translator.defaults();
  options.min_length = 3;
  options.max_length = 3;
  options.beam_size = 1;
  std::int64_t capped = 0;
  for (const auto& result : translator.translate_batch(many_lines(20), options)) {
    CHECK(result.hypotheses.front().tokens.size() == 3);
    const bool has_end = result.hypotheses.front().token_scores.size() == 4;
    CHECK((result.status == Status::length_capped) == !has_end);
    CHECK(result.has(Status::length_capped) == !has_end);
    CHECK(result.has(Status::ok) == false);
    capped += has_end ? 0 : 1;
  }
  CHECK(capped > 0);
}

TEST_CASE("a cut source does not hide an output at its limit", "[translator]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 1});
  DecodingOptions options = translator.defaults();
  options.max_source_length = 4;
  options.min_length = 3;
  options.max_length = 3;
  options.beam_size = 1;
  std::int64_t both = 0;
  for (const auto& result : translator.translate_batch(many_lines(20), options)) {
    const bool is_capped = result.hypotheses.front().token_scores.size() == 3;
    std::vector<Status> expected = {Status::source_truncated};
    if (is_capped) expected.push_back(Status::length_capped);
    CHECK((result.warnings == expected));
    CHECK(result.status == Status::source_truncated);
    both += is_capped ? 1 : 0;
  }
  CHECK(both > 0);
}

TEST_CASE("n-best lists are sorted and their scores add up", "[translator]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 2});
  DecodingOptions options = translator.defaults();
  options.beam_size = 5;
  options.n_best = 5;
  for (const auto& result : translator.translate_batch(many_lines(10), options)) {
    CHECK(result.hypotheses.size() <= 5);
    for (std::size_t rank = 0; rank < result.hypotheses.size(); ++rank) {
      const auto& hypothesis = result.hypotheses[rank];
      if (rank > 0) CHECK(result.hypotheses[rank - 1].score >= hypothesis.score);
      double sum = 0.0;
      for (const double score : hypothesis.token_scores)
        sum += score;
      CHECK(hypothesis.log_probability == Approx(sum));
      std::string joined;
      for (const std::string& token : hypothesis.tokens)
        joined += token;
      CHECK(hypothesis.tokens.size() + 1 >= hypothesis.token_scores.size());
      CHECK(joined.find(hypothesis.text.substr(0, hypothesis.text.find(' '))) != std::string::npos);
    }
  }
}

TEST_CASE("pairs are scored alike alone and in batches, in their order", "[translator][scorer]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 2, .batch_size = 7});
  const std::vector<std::string> sources = many_lines(30);
  std::vector<std::string> targets = many_lines(41);
  targets.erase(targets.begin(), targets.begin() + 11);
  const auto scores = translator.score_batch(sources, targets);
  REQUIRE(scores.size() == 30);
  for (std::size_t index = 0; index < scores.size(); ++index) {
    CHECK(scores[index].tokens == dragoman_test::tiny_tokenizer().encode_pieces(targets[index]));
    const auto alone =
        translator.score_batch(std::span(&sources[index], 1), std::span(&targets[index], 1))[0];
    REQUIRE(alone.token_scores.size() == scores[index].token_scores.size());
    double sum = 0.0;
    for (std::size_t token = 0; token < alone.token_scores.size(); ++token) {
      CHECK(std::abs(alone.token_scores[token] - scores[index].token_scores[token]) < 1e-5);
      sum += alone.token_scores[token];
    }
    CHECK(scores[index].log_probability == Approx(sum));
  }
}

TEST_CASE("empty sources and targets can be scored", "[scorer]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 1});
  const auto scores = translator.score_batch(std::vector<std::string>{"a dog", ""},
                                             std::vector<std::string>{"", "a dog"});
  REQUIRE(scores.size() == 2);
  CHECK(scores[0].tokens.empty());
  CHECK(scores[0].token_scores.size() == 1);  // of </s>
  CHECK(scores[0].log_probability < 0.0);
  CHECK(scores[1].token_scores.size() == scores[1].tokens.size() + 1);
}

TEST_CASE("a model deciding with itself decides as alone, in each way", "[translator][ensemble]") {
  const TinyFile file;
  const std::vector<std::string> texts = many_lines(9);
  const Translator alone(file.path());
  for (const auto ensembling : {dragoman::Ensembling::linear, dragoman::Ensembling::log_linear}) {
    const Translator twice =
        Translator::ensemble({file.path(), file.path()}, {ensembling, {2.0, 1.0}});
    const auto found = twice.translate_batch(texts, twice.defaults());
    const auto expected = alone.translate_batch(texts, alone.defaults());
    for (std::size_t index = 0; index < texts.size(); ++index)
      check_same(found[index], expected[index]);
  }
  CHECK_THROWS_AS(Translator::ensemble({}), UsageError);
  CHECK_THROWS_AS(Translator::ensemble({file.path()}, {{}, {1.0, 1.0}}), UsageError);
}

TEST_CASE("models of different tokenisers do not decide together", "[translator][ensemble]") {
  const TinyFile file;
  const dragoman_test::TemporaryFolder folder;
  dragoman::Archive other = dragoman::load_archive(file.path());
  dragoman::TokenizerConfig config;
  config.vocabulary_size = 60;
  config.type = dragoman::TokenizerType::bpe;
  std::vector<std::string> lines = tiny_lines();
  lines.push_back("and something else that has other letters: qqq zzz");
  other.files["source.spm"] = dragoman::train_tokenizer(config, lines);
  save_archive(other, folder.path("other.pt"));
  CHECK_THROWS_WITH(Translator::ensemble({file.path(), folder.path("other.pt")}),
                    Contains("other.pt") && Contains("different tokenisers"));
}

TEST_CASE("many threads may use one translator", "[translator]") {
  const TinyFile file;
  const Translator translator(file.path(), {.threads = 2, .batch_size = 4});
  const std::vector<std::string> texts = many_lines(12);
  const auto expected = translator.translate_batch(texts, translator.defaults());
  std::vector<std::vector<Translation>> found(4);
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < found.size(); ++caller)
    callers.emplace_back([&, caller] {
      if (caller % 2 == 0) {
        found[caller] = translator.translate_batch(texts, translator.defaults());
      } else {
        for (const std::string& text : texts)
          found[caller].push_back(translator.translate(text));
      }
    });
  for (std::thread& caller : callers)
    caller.join();
  for (const auto& results : found)
    for (std::size_t index = 0; index < texts.size(); ++index)
      check_same(results[index], expected[index]);
}

TEST_CASE("a live model is translated with as a loaded one, and goes on training", "[translator]") {
  const TinyFile file;
  auto model = dragoman_test::tiny_transformer(dragoman_test::tiny_config(60));
  model->train();
  const auto texts = many_lines(15);
  const Translator translator(file.path(), {.threads = 1});
  const auto expected = translator.translate_batch(texts, translator.defaults());
  const auto live =
      dragoman::translate_with(model, dragoman_test::tiny_encoder(), texts, translator.defaults(),
                               {.batch_size = 4, .threads = 2});
  for (std::size_t index = 0; index < texts.size(); ++index)
    check_same(live[index], expected[index]);
  CHECK(model->is_training());
  const at::Tensor ids = at::tensor({4, 5, 3}).unsqueeze(0);
  auto state = model->start(model->encode(ids, {}), {}, false);
  model->head()->log_probs(model->decode(ids, state)).sum().backward();
  CHECK(model->parameters().front().grad().defined());
}

TEST_CASE("bf16 translates much like fp32", "[translator]") {
  const TinyFile file;
  const Translator exact(file.path(), {.threads = 1});
  const Translator rough(file.path(), {.precision = dragoman::Precision::bf16, .threads = 1});
  const std::vector<std::string> sources(tiny_lines().begin(), tiny_lines().begin() + 5);
  const std::vector<std::string> targets(tiny_lines().begin() + 5, tiny_lines().end());
  const auto exact_scores = exact.score_batch(sources, targets);
  const auto rough_scores = rough.score_batch(sources, targets);
  for (std::size_t index = 0; index < sources.size(); ++index)
    CHECK(rough_scores[index].log_probability ==
          Approx(exact_scores[index].log_probability).epsilon(0.05));
  CHECK(rough.translate_batch(sources, rough.defaults()).size() == 5);
}

TEST_CASE("requests that cannot be met say why", "[translator]") {
  auto config = dragoman_test::tiny_config(60);
  config.positions = dragoman::PositionKind::learned;
  config.max_positions = 20;
  const TinyFile file(config);
  const Translator translator(file.path(), {.threads = 1});
  const auto refusal = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const UsageError& error) {
      CHECK(error.exit_code() == 2);
      return error.what();
    }
    return "no error";
  };
  const std::vector<std::string> bad_text = {"good", "b\xC3(d", "good"};
  CHECK_THAT(refusal([&] { (void)translator.translate_batch(bad_text, translator.defaults()); }),
             Contains("texts[1]") && Contains("byte 1"));
  CHECK_THAT(refusal([&] { (void)translator.translate("", {.beam_size = 0}); }),
             Contains("beam_size"));
  CHECK_THAT(refusal([&] { (void)translator.translate("", {.beam_size = 2, .n_best = 3}); }),
             Contains("n_best"));
  CHECK_THAT(refusal([&] { (void)translator.translate("", {.length_alpha = NAN}); }),
             Contains("length_alpha"));
  CHECK_THAT(
      refusal([&] { (void)translator.score_batch(bad_text, std::vector<std::string>{"a"}); }),
      Contains("3 sources") && Contains("1 target"));
  std::string long_text;
  for (const std::string& line : tiny_lines())
    long_text += line + " ";
  CHECK_THAT(refusal([&] {
               (void)translator.score_batch(std::vector<std::string>{"a", long_text},
                                            std::vector<std::string>{"a", "a"});
             }),
             Contains("pair 1") && Contains("19"));
  CHECK(translator.translate(long_text).status == Status::source_truncated);
  CHECK_THAT(refusal([&] { Translator(file.path(), {.device = "toaster"}); }), Contains("toaster"));
  CHECK_THAT(refusal([&] { Translator(file.path(), {.device = "cuda:99"}); }), Contains("cuda:99"));
  CHECK_THAT(refusal([&] { Translator(file.path(), {.device = "mps"}); }), Contains("mps"));
  CHECK_THAT(refusal([&] { Translator(file.path(), {.threads = -1}); }), Contains("threads"));
  CHECK_THAT(refusal([&] { Translator(file.path(), {.batch_size = 0}); }), Contains("batch_size"));
}

TEST_CASE("every status has a name", "[translator]") {
  CHECK(name(Status::ok) == "ok");
  CHECK(name(Status::empty_input) == "empty_input");
  CHECK(name(Status::source_truncated) == "source_truncated");
  CHECK(name(Status::length_capped) == "length_capped");
  CHECK(name(Status::constraints_unmet) == "constraints_unmet");
  CHECK(name(Status::looped) == "looped");
}
