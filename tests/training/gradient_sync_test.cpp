// Updates of several ranks against the same update of one.
#include "dragoman/training/ranks/gradient_sync.h"

#include <ATen/ATen.h>

#include <limits>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

#include "dragoman/training/update.h"
#include "tests/support/catch.h"
#include "tests/training/thread_ranks.h"
#include "tests/training/tiny_run.h"

namespace {

using dragoman::Batch;
using dragoman::Communicator;
using dragoman::UpdateResult;
using dragoman_test::ThreadRanks;
using dragoman_test::Weights;

dragoman::Transformer small_transformer() {
  dragoman::ModelConfig config;
  config.encoder = {.layers = 1, .dim = 16, .heads = 2, .feed_forward = 32};
  config.decoder = config.encoder;
  config.dropout = 0.0;
  config.source_vocabulary = config.target_vocabulary = 20;
  static std::mutex generator;  // one for all threads
  const std::lock_guard lock(generator);
  at::manual_seed(11);
  dragoman::Transformer model(config);
  model->train();
  return model;
}

std::vector<Batch> three_batches() {
  const std::vector<dragoman::Example> pairs{{{4, 5, 6}, {7, 8}},
                                             {{9, 10}, {11, 12, 13, 14}},
                                             {{15}, {16}},
                                             {{4, 8, 12, 16}, {17, 18, 19}},
                                             {{5, 6}, {7, 9, 11}}};
  const auto part = [&pairs](std::size_t begin, std::size_t count) {
    return dragoman::collate(std::span(pairs).subspan(begin, count), {});
  };
  return {part(0, 2), part(2, 1), part(3, 2)};
}

struct Outcome {
  Weights weights;
  std::vector<UpdateResult> results;
};

/// Three updates, each of the batches whose numbers are in `mine`.
Outcome train_alone(const std::vector<std::size_t>& mine, Communicator* communicator,
                    double poison = 0.0) {
  dragoman::TrainingConfig config;
  // Adam would blow the rounding of gradients up that are zero, as those of the keys' biases.
  config.optimizer = dragoman::OptimizerKind::sgd;
  config.clip_norm = 0.5;
  const dragoman::Transformer model = small_transformer();
  dragoman::Optimizer optimizer(config, *model);
  dragoman::Update update(config, model, optimizer, at::kCPU, {}, communicator);
  if (poison != 0.0)
    model->parameters().back().register_hook(
        [poison](const at::Tensor& gradient) { return gradient * poison; });
  const std::vector<Batch> all = three_batches();
  std::vector<Batch> own;
  for (const std::size_t number : mine)
    own.push_back(all[number]);
  Outcome outcome;
  for (int step = 0; step < 3; ++step)
    outcome.results.push_back(update.run(own, 0.1));
  outcome.weights = dragoman_test::copy_of_weights(model);
  return outcome;
}

/// `shares[r]`: the batches of rank r.
std::vector<Outcome> train_ranks(const std::vector<std::vector<std::size_t>>& shares,
                                 const std::vector<double>& poison = {}) {
  std::vector<Outcome> outcomes(shares.size());
  ThreadRanks::run(static_cast<int>(shares.size()), [&](Communicator& ranks) {
    const auto rank = static_cast<std::size_t>(ranks.rank());
    outcomes[rank] = train_alone(shares[rank], &ranks, poison.empty() ? 0.0 : poison[rank]);
  });
  return outcomes;
}

}  // namespace

TEST_CASE("ranks with a part of the batches each make the update of one with all", "[ranks]") {
  const Outcome alone = train_alone({0, 1, 2}, nullptr);
  using Shares = std::vector<std::vector<std::size_t>>;
  for (const Shares& shares : {Shares{{0}, {1}, {2}}, Shares{{0, 2}, {1}}, Shares{{}, {0, 1, 2}},
                               Shares{{1}, {2}, {}, {0}}}) {
    CAPTURE(shares);
    const auto outcomes = train_ranks(shares);
    for (const Outcome& outcome : outcomes) {
      CHECK(dragoman_test::same_bits(outcome.weights, outcomes.front().weights));
      for (std::size_t step = 0; step < 3; ++step) {
        const UpdateResult& result = outcome.results[step];
        const UpdateResult& expected = alone.results[step];
        CHECK(result.loss == Approx(expected.loss).epsilon(1e-6));
        CHECK(result.gradient_norm == Approx(expected.gradient_norm).epsilon(1e-5));
        CHECK(result.target_tokens == expected.target_tokens);
        CHECK(result.sentences == expected.sentences);
        CHECK(result.correct == expected.correct);
        CHECK(result.problem.empty());
      }
    }
    for (const auto& [name, tensor] : alone.weights) {
      CAPTURE(name);
      CHECK(at::allclose(outcomes.front().weights.at(name), tensor, 1e-5, 1e-6));
    }
  }
}

TEST_CASE("a gradient that is not finite on one rank is skipped by all", "[ranks]") {
  const auto outcomes =
      train_ranks({{0}, {1}, {2}}, {0.0, std::numeric_limits<double>::infinity(), 0.0});
  const Weights untouched = dragoman_test::copy_of_weights(small_transformer());
  for (const Outcome& outcome : outcomes) {
    CHECK(dragoman_test::same_bits(outcome.weights, untouched));
    for (const UpdateResult& result : outcome.results) {
      CHECK_THAT(result.problem, Catch::Contains("is not finite"));
      CHECK(result.problem == outcomes.front().results.front().problem);
    }
  }
}

TEST_CASE("gradients are sent in buckets while backward runs, and only where there are some",
          "[ranks]") {
  // Counts the sums that are begun before finish().
  struct Counting final : Communicator {
    explicit Counting(Communicator& inner) : ranks(inner) {}
    [[nodiscard]] int rank() const override { return ranks.rank(); }
    [[nodiscard]] int size() const override { return ranks.size(); }
    [[nodiscard]] std::unique_ptr<Transfer> start_sum(const at::Tensor& tensor) override {
      sizes.push_back(tensor.numel());
      return ranks.start_sum(tensor);
    }
    [[nodiscard]] std::unique_ptr<Transfer> start_collection(const at::Tensor& mine,
                                                             const at::Tensor& all) override {
      return ranks.start_collection(mine, all);
    }
    void broadcast(const at::Tensor& tensor) override { ranks.broadcast(tensor); }
    [[nodiscard]] double seconds_waited() const override { return 0.0; }
    [[nodiscard]] double bytes_sent() const override { return 0.0; }
    Communicator& ranks;
    std::vector<std::int64_t> sizes;
  };
  const std::int64_t ranks_count = 2;
  std::vector<std::string> problems(ranks_count);
  ThreadRanks::run(static_cast<int>(ranks_count), [&](Communicator& ranks) {
    const auto require = [&](bool is_true, const char* what) {
      if (!is_true) problems[static_cast<std::size_t>(ranks.rank())] += what;
    };
    Counting counting(ranks);
    std::vector<dragoman::Optimizer::Parameter> parameters;
    for (const char* name : {"a", "b", "c", "unused"})
      parameters.push_back({name, at::ones({4, 2}).set_requires_grad(true), {}});
    // 8 numbers of 4 bytes each: two parameters to a bucket, the last ones first.
    dragoman::GradientSync sync(parameters, counting, dragoman::GradientCompression::none, 64);
    for (int update = 0; update < 2; ++update) {
      counting.sizes.clear();
      for (auto& parameter : parameters)
        parameter.value.mutable_grad().reset();
      // Rank 1 does not use c.
      at::Tensor loss = (parameters[0].value * 2.0 + parameters[1].value * 3.0).sum();
      if (ranks.is_first()) loss = loss + (parameters[2].value * 5.0).sum();
      sync.arm();
      loss.backward();
      require(counting.sizes.empty(), "a bucket was sent before the one in front of it; ");
      const at::Tensor figures =
          sync.finish(at::full({2}, 1.0 + static_cast<double>(ranks.rank()), at::kDouble));
      require(counting.sizes == std::vector<std::int64_t>{16, 16, 2, 4}, "wrong buckets; ");
      require(figures.eq(3.0).all().item<bool>(), "wrong figures; ");
      require(parameters[0].value.grad().eq(4.0).all().item<bool>(), "wrong sum of a; ");
      require(parameters[1].value.grad().eq(6.0).all().item<bool>(), "wrong sum of b; ");
      require(parameters[2].value.grad().eq(5.0).all().item<bool>(), "wrong sum of c; ");
      require(!parameters[3].value.grad().defined(), "a gradient that no rank has; ");
    }
    // Where every gradient comes, all is sent before finish().
    parameters.pop_back();
    dragoman::GradientSync whole(parameters, counting, dragoman::GradientCompression::none, 32);
    for (auto& parameter : parameters)
      parameter.value.mutable_grad().reset();
    counting.sizes.clear();
    whole.arm();
    (parameters[0].value + parameters[1].value + parameters[2].value).sum().backward();
    require(counting.sizes == std::vector<std::int64_t>{8, 8, 8}, "not sent during backward; ");
    static_cast<void>(whole.finish(at::zeros({0}, at::kDouble)));
    require(parameters[0].value.grad().eq(2.0).all().item<bool>(), "wrong sum after overlap; ");
  });
  for (const std::string& problem : problems)
    CHECK(problem.empty());
}
