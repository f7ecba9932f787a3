// dragoman quantize: the proof, refusals that leave no file behind, and files that were tampered
// with.
#include <filesystem>
#include <string>

#include <ATen/ATen.h>

#include "dragoman/data/archive.h"
#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"

using Catch::Matchers::Contains;
using dragoman_test::run_program;
using dragoman_test::run_shell;
using dragoman_test::TemporaryFolder;
using dragoman_test::tiny_model;

namespace {

/// Sources, and what the model makes of them: it must not lose anything against itself.
void write_set(const TemporaryFolder& folder) {
  folder.write("source", "1 2 3\n4 5 6 7\n8 9\n2 2 5\n");
  const auto result = run_shell(
      folder, "\"$DRAGOMAN\" translate -q --model " + tiny_model() + " -i source -o target");
  REQUIRE(result.status == 0);
}

}  // namespace

TEST_CASE("a quantised model comes with its proof", "[program][quantize]") {
  const TemporaryFolder folder;
  write_set(folder);
  const std::string set = " --source source --target target";
  for (const std::string precision : {"int8", "bf16"}) {
    const auto result =
        run_program(folder, "quantize " + tiny_model() + " -o small.pt --precision " + precision +
                                " --max-loss 100" + set);
    INFO(result.err);
    REQUIRE(result.status == 0);
    for (const char* line : {"before", "BLEU", "chrF", "sentences/s", "load, s", "size, MB"})
      CHECK_THAT(result.out, Contains(line));
    CHECK_THAT(run_program(folder, "inspect small.pt").out, Contains("stored as " + precision));
    CHECK(run_shell(folder, "\"$DRAGOMAN\" translate -q --model small.pt -i source | wc -l").out ==
          "4\n");
    const auto again = run_program(folder, "quantize small.pt -o again.pt" + set);
    CHECK(again.status == 2);
    CHECK_THAT(again.err, Contains("is quantised already"));
  }
}

TEST_CASE("what loses too much is refused and leaves nothing behind", "[program][quantize]") {
  const TemporaryFolder folder;
  write_set(folder);
  // Weights so uneven that eight bits cannot hold them: one great number in each row.
  auto archive = dragoman::load_archive(tiny_model());
  for (auto& [name, weight] : archive.tensors)
    if (name.find("feed_forward.inner.weight") != std::string::npos) {
      weight = weight.clone();
      weight.select(1, 0).fill_(3000.0);
    }
  dragoman::save_archive(archive, folder.path("uneven.pt"));
  REQUIRE(run_shell(folder, "\"$DRAGOMAN\" translate -q --model uneven.pt -i source -o target")
              .status == 0);
  const std::string command = "quantize uneven.pt -o small.pt --source source --target target";
  const auto refused = run_program(folder, command + " --max-loss 0");
  INFO(refused.out);
  CHECK(refused.status == 4);
  CHECK_THAT(refused.err, Contains("more than 0.00. Nothing was written."));
  CHECK_FALSE(std::filesystem::exists(folder.path("small.pt")));
  CHECK_FALSE(std::filesystem::exists(folder.path("small.pt.unproven")));
  CHECK(run_program(folder, command + " --max-loss 0 --force").status == 0);

  const auto blind = run_program(folder, "quantize " + tiny_model() + " -o small.pt");
  CHECK(blind.status == 2);
  CHECK_THAT(blind.err, Contains("no proof without a set"));
  folder.write("short", "1\n");
  const auto uneven = run_program(
      folder, "quantize " + tiny_model() + " -o small.pt --source source --target short");
  CHECK(uneven.status == 3);
  CHECK_THAT(uneven.err, Contains("source has 4 lines but short has 1"));
}

TEST_CASE("a quantised file that was tampered with is refused", "[program][quantize]") {
  const TemporaryFolder folder;
  REQUIRE(run_program(folder, "quantize " + tiny_model() + " -o small.pt --force").status == 0);
  const auto original = dragoman::load_archive(folder.path("small.pt"));
  const std::string name = "decoder.layers.0.feed_forward.inner.weight";
  REQUIRE(original.tensors.at(name).scalar_type() == at::kChar);
  const auto problem = [&](auto&& damage) {
    auto archive = original;
    damage(archive.tensors);
    dragoman::save_archive(archive, folder.path("damaged.pt"));
    const auto result = run_shell(folder, "echo 1 | \"$DRAGOMAN\" translate --model damaged.pt");
    CHECK(result.status == 4);
    return result.err;
  };
  CHECK_THAT(problem([&](auto& tensors) { tensors.erase(name + "_scale"); }),
             Contains(name + " has integers but no scale"));
  CHECK_THAT(problem([&](auto& tensors) { tensors[name + "_scale"] = at::ones({3}); }),
             Contains(name + "_scale does not fit its weight"));
  CHECK_THAT(problem([&](auto& tensors) { tensors.erase(name); }),
             Contains(name + "_scale is the scale of no weight"));
  CHECK_THAT(problem([&](auto& tensors) {
               tensors[name + "_scale"] = tensors[name + "_scale"] * std::nan("");
             }),
             Contains("finite"));
}
