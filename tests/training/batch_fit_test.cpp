#include "dragoman/training/batch_fit.h"

#include <cmath>

#include "dragoman/data/example_sample.h"
#include "dragoman/training/memory.h"
#include "tests/support/catch.h"
#include "tests/training/tiny_run.h"

namespace {

using dragoman::BatchFit;
using dragoman::BatchTrial;
using dragoman::choose_batch_tokens;
using dragoman_test::TemporaryFolder;
using dragoman_test::TinyCorpus;

constexpr std::int64_t kGigabyte = 1000000000;

/// A device: seconds of a batch and bytes, by its tokens.
struct Device {
  double overhead = 0.1;      ///< seconds of any update
  double per_token = 0.001;   ///< seconds
  double beyond_cache = 0.0;  ///< seconds more of each token over 8000
  std::int64_t weights = 200000000;
  std::int64_t bytes_per_token = 100000;
  std::int64_t memory = 100 * kGigabyte;

  BatchTrial operator()(std::int64_t tokens) const {
    const auto count = static_cast<double>(tokens);
    const double seconds =
        overhead + per_token * count + beyond_cache * std::max(count - 8000.0, 0.0);
    const std::int64_t bytes = weights + bytes_per_token * tokens;
    return {.tokens = tokens,
            .memory = bytes,
            .tokens_per_second = count / seconds,
            .fits = bytes <= memory};
  }
};

}  // namespace

TEST_CASE("the smallest budget near the best speed is chosen", "[batch_fit]") {
  const BatchFit fit = choose_batch_tokens(50 * kGigabyte, Device());
  // tokens / (0.1 + 0.001 tokens): 4096 gives 976, 8192 gives 988, 16384 gives 994 a second.
  CHECK(fit.chosen.tokens == 4096);
  CHECK(fit.trials.size() == 5);  // 4096 and 8192 bring less than 3 % each
  CHECK(fit.memory_limit == 50 * kGigabyte);
}

TEST_CASE("batches beyond the optimum are slower and not chosen", "[batch_fit]") {
  const BatchFit fit =
      choose_batch_tokens(50 * kGigabyte, Device{.overhead = 2.0, .beyond_cache = 0.002});
  CHECK(fit.chosen.tokens == 8192);
}

TEST_CASE("memory bounds the budget", "[batch_fit]") {
  const Device slow{.overhead = 100.0};
  // 0.2 GB and 0.1 MB a token: 8192 tokens are 1.02 GB.
  CHECK(choose_batch_tokens(kGigabyte, slow).chosen.tokens == 4096);
  const BatchFit fit = choose_batch_tokens(2 * kGigabyte, slow);
  CHECK(fit.chosen.tokens == 16384);
  CHECK_FALSE(fit.trials.back().fits);
  CHECK(fit.trials.back().tokens == 32768);
  // The device itself may have less than it may take.
  Device small = slow;
  small.memory = kGigabyte / 2;
  CHECK(choose_batch_tokens(2 * kGigabyte, small).chosen.tokens == 2048);
}

TEST_CASE("a model that does not fit at all is told", "[batch_fit]") {
  CHECK_THROWS_WITH(choose_batch_tokens(kGigabyte / 10, Device()),
                    Catch::Contains("auto finds no batch that fits: 512 tokens need 0.25 GB, and "
                                    "training may take 0.10 GB. Set training.memory to more"));
}

TEST_CASE("a dry run of a small model gives a budget, a speed and its memory", "[batch_fit]") {
  const TemporaryFolder folder;
  const TinyCorpus corpus(folder);
  const dragoman::TrainingConfig training = dragoman_test::tiny_training(folder.path("run"));
  const dragoman::PairEncoder encoder(corpus.tokenizer(), corpus.tokenizer());
  const auto examples = dragoman::first_examples(corpus.data, encoder, 50);
  CHECK(examples.size() == 50);
  CHECK(examples.front().source == corpus.tokenizer().encode(corpus.lines.front()));
  dragoman::FitSample sample{examples, encoder.special_ids()};
  const BatchFit fit = dragoman::fit_batch_tokens(training, corpus.model(), corpus.data, sample);
  REQUIRE(fit.trials.size() >= 3);
  CHECK(fit.chosen.tokens >= 512);
  CHECK(fit.chosen.tokens_per_second > 100.0);
  CHECK(fit.memory_limit > kGigabyte / 10);
  for (const BatchTrial& trial : fit.trials)
    CHECK(trial.memory <= fit.memory_limit);
  dragoman_test::TestLog log;
  dragoman::log_batch_fit(fit, log);
  CHECK_THAT(log.infos.back(), Catch::StartsWith("data.batch_tokens="));
  CHECK(log.named("batch_tokens").front().integer("chosen") == fit.chosen.tokens);

  // Processes share what is free, and a teacher reads every batch.
  sample.processes = 4;
  sample.teacher = dragoman::Transformer(corpus.model());
  auto taught = training;
  taught.teacher = "teacher.pt";
  const BatchFit shared = dragoman::fit_batch_tokens(taught, corpus.model(), corpus.data, sample);
  CHECK(shared.memory_limit < fit.memory_limit / 2);
  CHECK_FALSE(sample.teacher->is_training());
}

TEST_CASE("what training takes is seen from its start on", "[batch_fit]") {
  const dragoman::TrainingMemory memory(at::kCPU);
  CHECK(memory.free() > 0);
  {
    const std::vector<char> taken(200000000, 'x');
    CHECK(memory.peak() >= 190000000);
  }
  CHECK(memory.peak() >= 190000000);
  CHECK(memory.peak() <= 400000000);
}
