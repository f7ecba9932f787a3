// One model on several devices: what one replica says, bit for bit, from all of them together.
#include "dragoman/inference/models/replicated_model.h"

#include <atomic>
#include <barrier>
#include <memory>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/inference/service/worker_pool.h"
#include "tests/inference/hooked_model.h"
#include "tests/inference/tiny_file.h"
#include "tests/support/catch.h"

namespace {

using Catch::Contains;
using dragoman::DecodingOptions;
using dragoman::Translation;
using dragoman::Translator;
using dragoman::TranslatorOptions;

void check_same_numbers(const Translation& one, const Translation& other) {
  REQUIRE(one.hypotheses.size() == other.hypotheses.size());
  CHECK((one.warnings == other.warnings));
  for (std::size_t rank = 0; rank < one.hypotheses.size(); ++rank) {
    CHECK(one.hypotheses[rank].text == other.hypotheses[rank].text);
    CHECK(one.hypotheses[rank].token_scores == other.hypotheses[rank].token_scores);
    CHECK(one.hypotheses[rank].score == other.hypotheses[rank].score);
  }
}

std::string refused(const std::string& path, const TranslatorOptions& options) {
  try {
    const Translator translator(path, options);
  } catch (const dragoman::UsageError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("each worker computes with the replica of its number, and goes on with it",
          "[replicas]") {
  constexpr int kReplicas = 2;
  // Both are needed at a time: the task of one worker waits for that of the other.
  std::barrier meeting(kReplicas);
  std::vector<std::atomic<int>> starts(kReplicas), steps(kReplicas);
  std::vector<std::unique_ptr<dragoman::StepModel>> replicas;
  for (int replica = 0; replica < kReplicas; ++replica) {
    auto model = std::make_unique<dragoman_test::HookedModel>();
    model->on_start = [&, replica] {
      ++starts[replica];
      meeting.arrive_and_wait();
    };
    model->on_step = [&, replica] { ++steps[replica]; };
    replicas.push_back(std::move(model));
  }
  const dragoman::ReplicatedModel model(std::move(replicas));
  CHECK(dragoman::WorkerPool::worker() == -1);
  dragoman::WorkerPool workers(kReplicas);
  std::vector<at::Tensor> rows(kReplicas);
  std::vector<std::int64_t> numbers(kReplicas);
  workers.run(kReplicas, [&](std::int64_t task) {
    numbers[task] = dragoman::WorkerPool::worker();
    dragoman::SourceBatch source;
    source.ids = at::tensor({5, 6, 7, 2}, at::kLong).view({1, 4});
    source.lengths = at::tensor({4}, at::kLong);
    source.copy_ids = source.ids;
    const auto state = model.start(source);
    rows[task] = model.step(at::ones({1, 1}, at::kLong), *state);
    model.reorder(*state, at::zeros({2}, at::kLong), {});
    rows[task] = model.step(at::full({2, 1}, 9, at::kLong), *state);
  });
  CHECK(numbers[0] != numbers[1]);
  for (int replica = 0; replica < kReplicas; ++replica) {
    CHECK(starts[replica] == 1);
    CHECK(steps[replica] == 2);
  }
  CHECK(rows[0].equal(rows[1]));
}

TEST_CASE("several devices translate and score as one, to the bit", "[replicas][translator]") {
  const dragoman_test::TinyFile file;
  const std::vector<std::string> texts = dragoman_test::many_lines(50);
  const Translator one(file.path(), {.threads = 2, .batch_size = 7});
  for (const std::string devices : {"cpu,cpu", "cpu", "cpu,cpu,cpu"}) {
    CAPTURE(devices);
    const Translator several(file.path(), {.devices = devices, .threads = 3, .batch_size = 7});
    for (const bool is_drawn : {false, true}) {
      DecodingOptions options = one.defaults();
      options.beam_size = is_drawn ? 1 : 4;
      options.n_best = is_drawn ? 1 : 3;
      options.sample = is_drawn;
      const auto expected = one.translate_batch(texts, options);
      const auto found = several.translate_batch(texts, options);
      REQUIRE(found.size() == texts.size());
      for (std::size_t index = 0; index < texts.size(); ++index)
        check_same_numbers(found[index], expected[index]);
    }
    const auto expected = one.score_batch(std::span(texts).first(20), std::span(texts).first(20));
    const auto found = several.score_batch(std::span(texts).first(20), std::span(texts).first(20));
    for (std::size_t index = 0; index < expected.size(); ++index)
      CHECK(found[index].token_scores == expected[index].token_scores);
    auto pending = several.submit(texts[4], several.defaults());
    CHECK(pending.get().text() == one.translate(texts[4]).text());
  }
  // Several models on several devices.
  const std::vector<std::string> paths{file.path(), file.path()};
  const TranslatorOptions alone{.threads = 2, .batch_size = 7};
  TranslatorOptions both = alone;
  both.devices = "cpu,cpu";
  const auto expected =
      Translator::ensemble(paths, {}, alone).translate_batch(texts, one.defaults());
  const auto found = Translator::ensemble(paths, {}, both).translate_batch(texts, one.defaults());
  for (std::size_t index = 0; index < texts.size(); ++index)
    check_same_numbers(found[index], expected[index]);
}

TEST_CASE("what is wrong with one of several devices is said", "[replicas][translator]") {
  const dragoman_test::TinyFile file;
  CHECK_THAT(refused(file.path(), {.devices = "cpu,toaster"}),
             Contains("devices: 'toaster' is no device") && Contains("commas"));
  CHECK_THAT(refused(file.path(), {.devices = "cpu,"}), Contains("devices: '' is no device"));
  CHECK_THAT(refused(file.path(), {.devices = "cpu,cuda:99"}),
             Contains("devices: 'cuda:99' is not available"));
  CHECK_THAT(refused(file.path(), {.devices = "cpu,cpu,cpu", .threads = 2}),
             Contains("threads: 2 are too few for 3 devices"));
  CHECK_THAT(refused(file.path(), {.device = "toaster", .devices = "cpu"}), Contains("accepted"));
}
