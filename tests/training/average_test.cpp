#include "dragoman/training/average.h"

#include <ATen/ATen.h>

#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/training/run_directory.h"
#include "dragoman/training/snapshot.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace {

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const dragoman::Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("the average is the mean of every weight, summed in double", "[average]") {
  const dragoman_test::TemporaryFolder folder;
  std::vector<std::string> paths;
  // In float32, 1e8 + 1 - 1e8 is 0; the mean below is exact only in double.
  const std::vector<double> values = {1e8, 1.0, -1e8, 2.0};
  for (std::size_t index = 0; index < values.size(); ++index) {
    paths.push_back(folder.path("model-" + std::to_string(index) + ".pt"));
    dragoman::save_archive(
        {.tensors = {{"encoder.weight", at::full({2, 3}, values[index])},
                     {"half", at::full({2}, static_cast<double>(index), at::kHalf)},
                     {"steps", at::full({1}, 5, at::kLong)}},
         .files = {{"config.json", "config " + std::to_string(index)},
                   {"card.json", R"({"step": 4, "development": {"loss": 1}})"}}},
        paths.back());
  }
  dragoman::average_checkpoints(paths, folder.path("averaged.pt"));
  const dragoman::Archive result = dragoman::load_archive(folder.path("averaged.pt"));
  CHECK(at::equal(result.tensors.at("encoder.weight"), at::full({2, 3}, 0.75)));
  CHECK(at::equal(result.tensors.at("half"), at::full({2}, 1.5, at::kHalf)));
  CHECK(result.tensors.at("steps").item<std::int64_t>() == 5);
  CHECK(result.files.at("config.json") == "config 3");
  CHECK_THAT(result.files.at("card.json"),
             Catch::Contains("\"model-0.pt\"") && Catch::Contains("\"step\": 4"));
  CHECK_THAT(result.files.at("card.json"), !Catch::Contains("development"));
}

TEST_CASE("models that differ are not averaged, and the difference is named", "[average]") {
  const dragoman_test::TemporaryFolder folder;
  const auto save = [&folder](const std::string& name, std::map<std::string, at::Tensor> tensors) {
    dragoman::save_archive({.tensors = std::move(tensors), .files = {}}, folder.path(name));
    return folder.path(name);
  };
  const auto base = save("a.pt", {{"w", at::zeros({2, 3})}});
  const auto wide = save("b.pt", {{"w", at::zeros({2, 4})}});
  const auto more = save("c.pt", {{"w", at::zeros({2, 3})}, {"v", at::zeros({1})}});
  const auto half = save("d.pt", {{"w", at::zeros({2, 3}, at::kHalf)}});
  const auto average = [&](const std::string& other) {
    return message_of([&] { dragoman::average_checkpoints({base, other}, folder.path("out.pt")); });
  };
  CHECK(average(wide) == wide + ": w has shape [2, 4], in " + base +
                             " it has [2, 3]. Average checkpoints of one run.");
  CHECK(average(more) ==
        more + ": has v, which " + base + " has not. Average checkpoints of one run.");
  CHECK_THAT(average(half), Catch::Contains("w has type Half"));
  CHECK_THAT(message_of([&] {
               dragoman::average_checkpoints({more, base}, folder.path("out.pt"));
             }),
             Catch::Contains("has no v, which"));
  CHECK_FALSE(std::filesystem::exists(folder.path("out.pt")));
  CHECK_THAT(message_of([&] { dragoman::average_checkpoints({}, folder.path("out.pt")); }),
             Catch::Contains("no checkpoints are given"));
}

TEST_CASE("the last and the best checkpoints of a run are found through its index", "[average]") {
  const dragoman_test::TemporaryFolder folder;
  const dragoman::RunDirectory run(folder.path());
  CHECK_THAT(message_of([&] { (void)dragoman::last_checkpoints(folder.path(), 2); }),
             Catch::Contains("index.json: no such file. Give the output folder of a training run"));
  run.create();
  std::vector<dragoman::CheckpointRecord> records;
  for (const auto& [step, bleu] :
       std::vector<std::pair<std::int64_t, double>>{{10, 3.0}, {20, 5.0}, {30, 4.0}, {40, 1.0}}) {
    dragoman::DevelopmentScores scores;
    scores.bleu = bleu;
    records.push_back({.step = step, .is_interruption = false, .scores = scores});
    folder.write("checkpoints/step-" + std::to_string(step) + ".pt", "");
  }
  folder.write("checkpoints/index.json",
               dragoman::records_to_json(records, dragoman::Metric::bleu));
  const auto paths = [&run](std::vector<std::int64_t> steps) {
    std::vector<std::string> result;
    for (const auto step : steps)
      result.push_back(run.model(step));
    return result;
  };
  CHECK(dragoman::last_checkpoints(folder.path(), 2) == paths({30, 40}));
  CHECK(dragoman::best_checkpoints(folder.path(), 2) == paths({20, 30}));
  CHECK(dragoman::best_checkpoints(folder.path(), 9) == paths({10, 20, 30, 40}));
  std::filesystem::remove(run.model(20));
  CHECK(dragoman::best_checkpoints(folder.path(), 2) == paths({10, 30}));
  folder.write("checkpoints/index.json", "[]");
  CHECK_THAT(message_of([&] { (void)dragoman::last_checkpoints(folder.path(), 2); }),
             Catch::Contains("is not what Dragoman writes there"));
}
