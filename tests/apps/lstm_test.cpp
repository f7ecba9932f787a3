// The LSTM baseline through the whole program: train, resume, translate, score, look inside; and
// what only Transformers can.
#include <string>

#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"

using Catch::Matchers::Contains;
using dragoman_test::run_program;
using dragoman_test::TemporaryFolder;

TEST_CASE("an lstm is trained, resumed and used like a Transformer", "[program][lstm]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  const std::string flags =
      "--set model.architecture=lstm --set model.copy_head.enabled=true --set "
      "model.decoder.layers=2 --set training.best_metric=chrf --set training.learning_rate=0.01 "
      "--set training.save_every=30 "
      "--set training.validate_every=30 --set training.max_steps=";
  REQUIRE(dragoman_test::train(folder, flags + "30").status == 0);
  const auto resumed = dragoman_test::train(folder, flags + "120 --resume");
  INFO(resumed.err);
  REQUIRE(resumed.status == 0);

  const std::string translate = "translate -q --model run/best.pt -i dev.src ";
  const auto said = run_program(folder, translate + "--precision fp32");
  INFO(said.err);
  CHECK(said.out == folder.read("dev.tgt"));
  CHECK_THAT(run_program(folder, translate + "--alignment hard --attention-layer 1").out,
             Contains("one two three ||| 0-0 1-1 2-2"));
  const auto scored =
      run_program(folder, "score --model run/best.pt --source dev.src --target dev.tgt");
  CHECK(scored.status == 0);
  CHECK_THAT(run_program(folder, "inspect run/best.pt").out,
             Contains("lstm, 2 attention heads") && Contains("2 layers, width 32\n"));
  CHECK(run_program(folder, "inspect run/best.pt --attention page.html --source '1 2 3'").status ==
        0);
  CHECK_THAT(folder.read("page.html"), Contains("three"));

  const auto narrow = run_program(folder, translate + "--precision int8");
  CHECK(narrow.status == 2);
  CHECK_THAT(narrow.err, Contains("run/best.pt is an lstm, which computes in fp32"));
  const auto quantized = run_program(folder, "quantize run/best.pt -o small.pt --force");
  CHECK(quantized.status == 2);
  CHECK_THAT(quantized.err, Contains("is an lstm"));
  const auto exported =
      run_program(folder, "export run/best.pt --format ctranslate2 --output elsewhere");
  CHECK(exported.status == 2);
  CHECK(run_program(folder, "export run/best.pt --format torchscript -o other.pt").status == 2);
}
