#include "dragoman/training/progress.h"

#include <cmath>

#include "dragoman/data/error.h"
#include "dragoman/training/device.h"
#include "dragoman/training/run_log.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace {

dragoman::UpdateResult update(double loss, double norm, std::int64_t tokens) {
  dragoman::UpdateResult result;
  result.loss = loss;
  result.nll = loss / 2;
  result.gradient_norm = norm;
  result.correct = tokens / 2;
  result.target_tokens = tokens;
  return result;
}

}  // namespace

TEST_CASE("a report averages losses over tokens and norms over updates", "[progress]") {
  dragoman::Progress progress;
  progress.add(update(2.0, 1.0, 100), 0.5);
  progress.add(update(4.0, 3.0, 300), 1.5);
  auto bad = update(NAN, NAN, 100);
  bad.problem = "the loss is not finite";
  progress.add(bad, 0.5);
  const dragoman::ProgressReport report = progress.take();
  CHECK(report.updates == 3);
  CHECK(report.skipped == 1);
  CHECK(report.loss == 3.5);
  CHECK(report.nll == 1.75);
  CHECK(report.perplexity == std::exp(1.75));
  CHECK(report.accuracy == 0.5);
  CHECK(report.gradient_norm == 2.0);
  CHECK(report.tokens_per_second == 160.0);
  CHECK(progress.take().updates == 0);
}

TEST_CASE("the time that is left follows the first limit", "[progress]") {
  dragoman::TrainingConfig config;
  config.max_steps = 1000;
  dragoman::Counters counters;
  counters.step = 100;
  counters.seconds = 60;
  CHECK(dragoman::seconds_left(config, counters, 0.5) == 450.0);
  CHECK(dragoman::completed_share(config, counters) == 0.1);
  config.max_epochs = 4;
  CHECK(dragoman::seconds_left(config, counters, 0.5) == 450.0);  // no epoch is complete yet
  counters.epochs = 1;
  counters.epoch_step = 90;
  counters.epoch_length = 90;
  CHECK(dragoman::seconds_left(config, counters, 0.5) == 130.0);  // 90 + 3 * 90 - 100 updates
  config.max_minutes = 2.0;
  CHECK(dragoman::seconds_left(config, counters, 0.5) == 60.0);
  CHECK(dragoman::completed_share(config, counters) == 0.5);
}

TEST_CASE("durations read well", "[progress]") {
  CHECK(dragoman::format_duration(47.6) == "48s");
  CHECK(dragoman::format_duration(725) == "12m05s");
  CHECK(dragoman::format_duration(3 * 3600 + 20 * 60 + 59) == "3h20m");
  CHECK(dragoman::format_duration(-1) == "0s");
}

TEST_CASE("devices are checked by name", "[device]") {
  CHECK(dragoman::parse_device("cpu").is_cpu());
  for (const std::string name : {"gpu", "cuda:", "cuda:x", "cuda:1x", "CPU", ""}) {
    CAPTURE(name);
    CHECK_THROWS_WITH(dragoman::parse_device(name),
                      Catch::Contains("is not a device. Use cpu, cuda or cuda:N"));
  }
  CHECK_THROWS_AS(dragoman::parse_device("cuda:99"), dragoman::UsageError);
}

TEST_CASE("precision is what was asked for, or what the device does natively", "[device]") {
  using dragoman::TrainingPrecision;
  CHECK(dragoman::compute_type(TrainingPrecision::fp32, at::kCPU) == at::kFloat);
  CHECK(dragoman::compute_type(TrainingPrecision::bf16, at::kCPU) == at::kBFloat16);
  CHECK(dragoman::compute_type(TrainingPrecision::automatic, at::kCPU) ==
        (dragoman::has_native_bf16(at::kCPU) ? at::kBFloat16 : at::kFloat));
}

TEST_CASE("the log keeps lines for people and records for programs", "[run_log]") {
  const dragoman_test::TemporaryFolder folder;
  for (int run = 0; run < 2; ++run) {  // the second one appends
    std::FILE* console = std::fopen(folder.path("console").c_str(), "w");
    {
      dragoman::RunLog log(console, folder.path("log.jsonl"));
      log.info("step=1 loss=2");
      log.status("a progress bar");  // no terminal: dropped
      log.warn("careful");
      log.event("train", {{"step", std::int64_t{1}},
                          {"loss", 2.5},
                          {"norm", NAN},
                          {"text", std::string("a\"\xFF")},
                          {"best", true}});
    }
    std::fclose(console);
  }
  const std::string console = folder.read("console");
  CHECK_THAT(console,
             Catch::Contains("] step=1 loss=2\n") && Catch::Contains("] warning: careful\n"));
  CHECK_THAT(console, !Catch::Contains("progress bar"));
  const std::string records = folder.read("log.jsonl");
  CHECK(std::count(records.begin(), records.end(), '\n') == 4);
  CHECK_THAT(records, Catch::Contains(R"({"event":"warning","time":)"));
  CHECK_THAT(records, Catch::Contains(R"("step":1,"loss":2.5,"norm":null,"text":"a\")"
                                      "\xEF\xBF\xBD"
                                      R"(","best":true})"));
}

TEST_CASE("a log that cannot be opened says what to do", "[run_log]") {
  CHECK_THROWS_WITH(
      dragoman::RunLog(nullptr, "/nonexistent/log.jsonl"),
      Catch::StartsWith(
          "/nonexistent/log.jsonl: the log cannot be opened: No such file or directory."));
}
