// Ranks that share the optimiser's state against ranks that each have all of it: the same bits.
#include "dragoman/training/ranks/parameter_shards.h"

#include <ATen/ATen.h>

#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "dragoman/training/optimizer.h"
#include "dragoman/training/update.h"
#include "tests/support/catch.h"
#include "tests/training/thread_ranks.h"
#include "tests/training/tiny_run.h"

namespace {

using dragoman::Communicator;
using dragoman::Optimizer;
using dragoman::OptimizerKind;
using dragoman::ParameterShards;
using dragoman::TrainingConfig;
using dragoman_test::ThreadRanks;
using dragoman_test::Weights;

/// Also where two zeros, or two that are no numbers, differ.
bool has_same_bytes(const at::Tensor& left, const at::Tensor& right) {
  return left.sizes() == right.sizes() &&
         std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
}

bool have_same_bytes(const Weights& left, const Weights& right) {
  if (left.size() != right.size()) return false;
  for (const auto& [name, tensor] : left)
    if (!right.contains(name) || !has_same_bytes(tensor.contiguous(), right.at(name).contiguous()))
      return false;
  return true;
}

Weights copied(const std::map<std::string, at::Tensor>& tensors) {
  Weights copies;
  for (const auto& [name, tensor] : tensors)
    copies[name] = tensor.detach().clone();
  return copies;
}

dragoman::Transformer sharded_transformer() {
  dragoman::ModelConfig config;
  // Sizes that are no multiples of a unit, nor of a vector.
  config.encoder = {.layers = 1, .dim = 18, .heads = 2, .feed_forward = 37};
  config.decoder = config.encoder;
  config.dropout = 0.0;
  config.source_vocabulary = config.target_vocabulary = 21;
  static std::mutex generator;  // one for all threads
  const std::lock_guard lock(generator);
  at::manual_seed(11);
  dragoman::Transformer model(config);
  model->train();
  return model;
}

std::vector<dragoman::Batch> batches_of(int rank) {
  const std::int32_t word = 4 + rank;
  const std::vector<dragoman::Example> pairs{{{word, 5, 6}, {7, 8, word}}, {{9, 10}, {11, word}}};
  return {dragoman::collate(pairs, {})};
}

struct ShardedRun {
  Weights weights;
  Weights state;  ///< what rank 0 would store
  std::int64_t state_size = 0;
  std::string problem;  ///< of the last update
};

struct ShardedRuns {
  TrainingConfig config;
  int updates = 4;
  Weights from = {};    ///< weights to begin with
  Weights state = {};   ///< and state, which rank 0 loads
  double poison = 0.0;  ///< not 0: rank 1's gradient in the last update is multiplied by it

  [[nodiscard]] ShardedRun run(Communicator& ranks) const {
    const dragoman::Transformer model = sharded_transformer();
    Optimizer optimizer(config, *model, &ranks);
    dragoman::Update update(config, model, optimizer, at::kCPU, {}, &ranks);
    ShardedRun result;
    if (!from.empty()) {
      const at::NoGradGuard no_grad;
      for (const auto& item : model->named_parameters())
        item.value().copy_(from.at(item.key()));
      if (ranks.is_first())
        TORCH_CHECK(optimizer.load_state(state).empty(), "the state does not fit");
      optimizer.share_state(ranks);
    }
    double factor = 1.0;
    model->parameters().back().register_hook(
        [&factor](const at::Tensor& gradient) { return gradient * factor; });
    for (int step = 0; step < updates; ++step) {
      if (poison != 0.0 && ranks.rank() == 1 && step + 1 == updates) factor = poison;
      result.problem = update.run(batches_of(ranks.rank()), 0.01).problem;
    }
    result.weights = dragoman_test::copy_of_weights(model);
    result.state = copied(optimizer.state());
    result.state_size = optimizer.state_size();
    return result;
  }

  [[nodiscard]] std::vector<ShardedRun> of(int ranks) const {
    std::vector<ShardedRun> results(static_cast<std::size_t>(ranks));
    ThreadRanks::run(ranks, [&](Communicator& communicator) {
      results[static_cast<std::size_t>(communicator.rank())] = run(communicator);
    });
    return results;
  }
};

TrainingConfig sharding(OptimizerKind kind, bool is_sharded) {
  TrainingConfig config;
  config.optimizer = kind;
  config.weight_decay = 0.01;
  config.clip_norm = 0.5;
  config.shard_optimizer = is_sharded;
  config.groups = {{"encoder.*", 0.5}, {"*norm*", 0.0}};
  return config;
}

}  // namespace

TEST_CASE("parameters are dealt out evenly, and collected whole", "[ranks][shards]") {
  const std::vector<std::int64_t> sizes{100, 1, 64, 7 * 130, 1000, 3};
  std::int64_t total = 0;
  for (const std::int64_t size : sizes)
    total += size;
  for (const int count : {1, 2, 3, 5, 40}) {
    CAPTURE(count);
    std::vector<at::Tensor> expected;
    for (const std::int64_t size : sizes) {
      expected.push_back(at::arange(size, at::kFloat) / 3.0 + static_cast<double>(size));
      expected.back()[size / 2] = -0.0;
      expected.back()[size - 1] = std::numeric_limits<float>::quiet_NaN();
    }
    std::vector<std::int64_t> kept(static_cast<std::size_t>(count));
    std::vector<int> wrong(static_cast<std::size_t>(count));
    ThreadRanks::run(count, [&](Communicator& ranks) {
      const auto rank = static_cast<std::size_t>(ranks.rank());
      for (const std::int64_t round_bytes :
           {std::int64_t{1}, std::int64_t{1500}, std::int64_t{1} << 23}) {
        const ParameterShards shards(sizes, ranks, round_bytes);
        std::vector<at::Tensor> mine, whole;
        kept[rank] = 0;
        for (std::size_t index = 0; index < sizes.size(); ++index) {
          kept[rank] += shards.part(index).count;
          mine.push_back(shards.part_of(expected[index], index).clone());
          // The last ranks want one of them only.
          const bool is_wanted = rank < 2 || index == 3;
          whole.push_back(!is_wanted   ? at::Tensor()
                          : index == 3 ? at::zeros({7, 130})
                                       : at::zeros({sizes[index]}));
        }
        shards.collect(mine, whole);
        for (std::size_t index = 0; index < sizes.size(); ++index)
          if (whole[index].defined() && !has_same_bytes(whole[index].view({-1}), expected[index]))
            ++wrong[rank];
      }
    });
    std::int64_t sum = 0;
    for (std::size_t rank = 0; rank < kept.size(); ++rank) {
      sum += kept[rank];
      CHECK(kept[rank] <=
            total / count + (static_cast<std::int64_t>(sizes.size()) + 1) * ParameterShards::kUnit);
      CHECK(wrong[rank] == 0);
    }
    CHECK(sum == total);
  }
}

TEST_CASE("ranks that share the optimiser's state compute the same bits with less of it",
          "[ranks][shards]") {
  const OptimizerKind kind =
      GENERATE(OptimizerKind::adamw, OptimizerKind::adam, OptimizerKind::sgd);
  for (const int count : {1, 2, 3}) {
    CAPTURE(kind, count);
    const auto whole = ShardedRuns{sharding(kind, false)}.of(count);
    const auto shared = ShardedRuns{sharding(kind, true)}.of(count);
    std::int64_t kept = 0;
    for (const ShardedRun& run : shared) {
      CHECK(have_same_bytes(run.weights, whole.front().weights));
      CHECK(run.problem.empty());
      kept += run.state_size;
      CHECK(run.state_size <= whole.front().state_size / count + 64 * ParameterShards::kUnit);
    }
    CHECK(kept == whole.front().state_size);
    CHECK(have_same_bytes(shared.front().state, whole.front().state));
    CHECK(!have_same_bytes(shared.front().weights,
                           dragoman_test::copy_of_weights(sharded_transformer())));
  }
}

TEST_CASE("a stored state goes on with another number of ranks, shared or not", "[ranks][shards]") {
  const auto first = ShardedRuns{sharding(OptimizerKind::adamw, true)}.of(3);
  for (const int count : {1, 2, 3}) {
    CAPTURE(count);
    ShardedRuns later{.config = sharding(OptimizerKind::adamw, false),
                      .from = first.front().weights,
                      .state = first.front().state};
    const auto whole = later.of(count);
    later.config.shard_optimizer = true;
    const auto shared = later.of(count);
    for (const ShardedRun& run : shared)
      CHECK(have_same_bytes(run.weights, whole.front().weights));
    CHECK(have_same_bytes(shared.front().state, whole.front().state));
    if (count > 1) continue;
    // The state counts: without it the weights would be others.
    later.state = copied(Optimizer(later.config, *sharded_transformer()).state());
    CHECK(!have_same_bytes(later.of(1).front().weights, whole.front().weights));
  }
}

TEST_CASE("an update that is not finite leaves weights and shared state alone", "[ranks][shards]") {
  ShardedRuns runs{.config = sharding(OptimizerKind::adamw, true), .updates = 2};
  const auto before = runs.of(2);
  runs.updates = 3;
  runs.poison = std::numeric_limits<double>::infinity();
  const auto after = runs.of(2);
  for (const ShardedRun& run : after) {
    CHECK_THAT(run.problem, Catch::Contains("is not finite"));
    CHECK(have_same_bytes(run.weights, before.front().weights));
  }
  CHECK(have_same_bytes(after.front().state, before.front().state));
}

TEST_CASE("gradients that are sent as bfloat16 err by its rounding, alike on all ranks",
          "[ranks]") {
  constexpr int kCount = 3;
  std::vector<at::Tensor> sums(kCount), sent(kCount);
  ThreadRanks::run(kCount, [&](Communicator& ranks) {
    const auto rank = static_cast<std::size_t>(ranks.rank());
    sent[rank] = at::sin(at::arange(1000, at::kFloat) * (1.0 + static_cast<double>(rank)));
    const at::Tensor used = at::zeros({1000}).set_requires_grad(true);
    const at::Tensor seldom = at::zeros({2, 3}).set_requires_grad(true);
    const std::vector<Optimizer::Parameter> parameters{{"used", used, {}}, {"seldom", seldom, {}}};
    dragoman::GradientSync sync(parameters, ranks, dragoman::GradientCompression::bf16);
    sync.arm();
    at::Tensor loss = (used * sent[rank]).sum();
    if (rank == 1) loss = loss + seldom.sum();
    loss.backward();
    static_cast<void>(sync.finish(at::zeros({1}, at::kDouble)));
    sums[rank] = at::cat({used.grad(), seldom.grad().flatten()});
  });
  const at::Tensor exact = at::cat({sent[0] + sent[1] + sent[2], at::ones({6})});
  const at::Tensor absolute =
      at::cat({sent[0].abs() + sent[1].abs() + sent[2].abs(), at::ones({6})});
  for (const at::Tensor& sum : sums) {
    CHECK(sum.scalar_type() == at::kFloat);
    CHECK(sum.equal(sums.front()));
    CHECK((sum - exact).abs().le(kCount * absolute / 256.0).all().item<bool>());
  }
  CHECK(!sums.front().equal(exact));
}
