#include "dragoman/training/validation.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "dragoman/data/error.h"
#include "tests/support/catch.h"
#include "tests/training/tiny_run.h"

namespace {

using dragoman::Validation;
using dragoman_test::TemporaryFolder;
using dragoman_test::TestLog;
using dragoman_test::TinyCorpus;

bool never() {
  return false;
}

struct ValidationSetup {
  explicit ValidationSetup(const TinyCorpus& corpus, dragoman::DecodeFunction decode = {})
      : config(dragoman_test::tiny_training("unused")),
        stream(corpus.data, {corpus.tokenizer(), corpus.tokenizer()}),
        model(dragoman_test::TinyProcess::seeded_model(corpus, config)),
        inputs{.model = model,
               .batches = stream,
               .encoder = {corpus.tokenizer(), corpus.tokenizer()},
               .development = corpus.development,
               .decode = std::move(decode),
               .bundle = {},
               .log = log} {
    config.validate_by_decoding = true;
    config.validation_batch = 3;
    model->train();
  }
  TestLog log;
  dragoman::TrainingConfig config;
  dragoman::BatchStream stream;
  dragoman::Transformer model;
  dragoman::TrainerInputs inputs;
};

}  // namespace

TEST_CASE("validation measures what single sentences give", "[validation]") {
  const TemporaryFolder folder;
  const TinyCorpus corpus(folder);
  ValidationSetup setup(corpus);
  Validation validation(setup.config, setup.inputs, at::kCPU);
  const auto scores = validation.run(never);
  REQUIRE(scores);
  CHECK(setup.model->is_training());

  setup.model->eval();
  const dragoman::Tokenizer tokenizer = corpus.tokenizer();
  double nll = 0.0;
  std::int64_t tokens = 0;
  std::int64_t correct = 0;
  for (std::size_t line = 0; line < corpus.development.sources.size(); ++line) {
    const dragoman::Example pair{tokenizer.encode(corpus.development.sources[line]),
                                 tokenizer.encode(corpus.development.references[line])};
    const dragoman::Batch batch = dragoman::collate({&pair, 1}, {});
    auto state = setup.model->start(setup.model->encode(batch.source, {}), {}, false);
    const at::Tensor log_probs =
        setup.model->head()->log_probs(setup.model->decode(batch.target_input, state));
    nll -= log_probs.gather(2, batch.target_output.unsqueeze(2)).sum().item<double>();
    correct += log_probs.argmax(2).eq(batch.target_output).sum().item<std::int64_t>();
    tokens += batch.target_tokens;
  }
  CHECK(std::abs(scores->loss - nll / static_cast<double>(tokens)) < 1e-5);
  CHECK(std::abs(scores->perplexity - std::exp(scores->loss)) < 1e-9);
  CHECK(scores->accuracy == static_cast<double>(correct) / static_cast<double>(tokens));
  CHECK_FALSE(scores->bleu);
  CHECK_FALSE(scores->chrf);
}

TEST_CASE("translations are scored against the references in their order", "[validation]") {
  const TemporaryFolder folder;
  TinyCorpus corpus(folder);
  corpus.development = {{"a longer line of five words", "b", "one line of four words"},
                        {"eine lange Zeile aus Worten", "b", "eine Zeile aus vier Worten"}};
  std::vector<std::string> seen;
  bool was_training = true;
  bool had_gradients = true;
  ValidationSetup setup(corpus);
  setup.inputs.decode = [&](const std::vector<std::string>& lines) {
    seen = lines;
    was_training = setup.model->is_training();
    had_gradients = at::GradMode::is_enabled();
    std::vector<std::string> results;
    for (const std::string& line : lines) {
      const auto place =
          std::ranges::find(corpus.development.sources, line) - corpus.development.sources.begin();
      results.push_back(corpus.development.references[static_cast<std::size_t>(place)]);
    }
    return results;
  };
  Validation validation(setup.config, setup.inputs, at::kCPU);
  const auto scores = validation.run(never);
  REQUIRE(scores);
  CHECK(std::abs(scores->bleu.value() - 100.0) < 1e-9);
  CHECK(std::abs(scores->chrf.value() - 100.0) < 1e-9);
  CHECK_FALSE(scores->rougeL);
  setup.config.best_metric = dragoman::Metric::rougeL;
  const auto ranked = Validation(setup.config, setup.inputs, at::kCPU).run(never);
  REQUIRE(ranked);
  CHECK(std::abs(ranked->rouge1.value() - 100.0) < 1e-9);
  CHECK(std::abs(ranked->rouge2.value() - 200.0 / 3) < 1e-9);  // "b" has no bigram
  CHECK(std::abs(ranked->rougeL.value() - 100.0) < 1e-9);
  CHECK(seen ==
        std::vector<std::string>{"b", "one line of four words", "a longer line of five words"});
  CHECK_FALSE(was_training);
  CHECK_FALSE(had_gradients);
  const auto samples = validation.samples();
  REQUIRE(samples.size() == 3);
  for (std::size_t line = 0; line < samples.size(); ++line) {
    CHECK(samples[line].line == static_cast<std::int64_t>(line) + 1);
    CHECK(samples[line].source == setup.inputs.development.sources[line]);
    CHECK(samples[line].reference == setup.inputs.development.references[line]);
    CHECK(samples[line].translation == samples[line].reference);
  }
  CHECK(samples[0].source == "a longer line of five words");
  setup.config.samples = 0;
  Validation without(setup.config, setup.inputs, at::kCPU);
  REQUIRE(without.run(never));
  CHECK(without.samples().empty());
}

TEST_CASE("validation leaves the random generator as it was", "[validation]") {
  const TemporaryFolder folder;
  const TinyCorpus corpus(folder);
  ValidationSetup setup(corpus, [](const std::vector<std::string>& lines) {
    at::rand({17});  // a decoder that samples
    return lines;
  });
  Validation validation(setup.config, setup.inputs, at::kCPU);
  at::manual_seed(5);
  const at::Tensor expected = at::rand({4});
  at::manual_seed(5);
  CHECK(validation.run(never));
  CHECK(at::equal(at::rand({4}), expected));
}

TEST_CASE("a cancelled validation gives no scores and goes back to training", "[validation]") {
  const TemporaryFolder folder;
  const TinyCorpus corpus(folder);
  ValidationSetup setup(corpus, [](const std::vector<std::string>& lines) { return lines; });
  Validation validation(setup.config, setup.inputs, at::kCPU);
  for (int patience = 0; patience < 4; ++patience) {  // 3 batches, then the decoder
    int questions = 0;
    CHECK_FALSE(validation.run([&] { return questions++ == patience; }));
    CHECK(setup.model->is_training());
    CHECK(validation.samples().empty());
  }
  CHECK(validation.run(never));
}

TEST_CASE("development sets that do not fit are refused", "[validation]") {
  const TemporaryFolder folder;
  const TinyCorpus corpus(folder);
  ValidationSetup setup(corpus);
  setup.inputs.development.references.pop_back();
  CHECK_THROWS_WITH(
      Validation(setup.config, setup.inputs, at::kCPU),
      "development set: 8 source lines, but 7 target lines. Give files whose lines correspond.");
  setup.inputs.development = {{std::string(100, 'a')}, {"a"}};
  CHECK_THROWS_WITH(Validation(setup.config, setup.inputs, at::kCPU),
                    Catch::Contains("no pair fits into model.max_positions"));
  setup.inputs.development = {{std::string(100, 'a'), "a"}, {"a", "b"}};
  CHECK_FALSE(Validation(setup.config, setup.inputs, at::kCPU).is_empty());
  CHECK_THAT(setup.log.warnings.back(),
             Catch::Contains("1 of 2 pairs are longer than model.max_positions (64)"));
  setup.inputs.development = {};
  CHECK(Validation(setup.config, setup.inputs, at::kCPU).is_empty());
}

TEST_CASE("a decoder that loses lines is reported", "[validation]") {
  const TemporaryFolder folder;
  const TinyCorpus corpus(folder);
  ValidationSetup setup(
      corpus, [](const std::vector<std::string>&) { return std::vector<std::string>{"one"}; });
  Validation validation(setup.config, setup.inputs, at::kCPU);
  CHECK_THROWS_WITH(validation.run(never),
                    "validation: 8 lines went into the decoder and 1 came out.");
}
