#include "dragoman/training/schedule.h"

#include <cmath>
#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

namespace {

using dragoman::learning_rate;
using dragoman::ScheduleKind;

dragoman::TrainingConfig config(ScheduleKind schedule) {
  dragoman::TrainingConfig result;
  result.schedule = schedule;
  result.learning_rate = 0.8;
  result.final_learning_rate = 0.2;
  result.warmup_steps = 4;
  result.max_steps = 14;
  result.decay_rate = 0.25;
  result.decay_steps = 4;
  return result;
}

bool near(double left, double right) {
  return std::abs(left - right) < 1e-12;
}

}  // namespace

TEST_CASE("every schedule warms up in a straight line to the peak", "[schedule]") {
  for (const auto& [name, kind] : dragoman::names(ScheduleKind{})) {
    CAPTURE(name);
    CHECK(near(learning_rate(config(kind), 1), 0.2));
    CHECK(near(learning_rate(config(kind), 2), 0.4));
    CHECK(near(learning_rate(config(kind), 3), 0.6));
    CHECK(near(learning_rate(config(kind), 4), 0.8));
  }
}

TEST_CASE("the constant schedule stays at the peak", "[schedule]") {
  CHECK(learning_rate(config(ScheduleKind::constant), 5) == 0.8);
  CHECK(learning_rate(config(ScheduleKind::constant), 5000) == 0.8);
}

TEST_CASE("the linear schedule reaches its end at max_steps and stays there", "[schedule]") {
  const auto linear = config(ScheduleKind::linear);
  CHECK(near(learning_rate(linear, 5), 0.74));
  CHECK(near(learning_rate(linear, 9), 0.5));
  CHECK(near(learning_rate(linear, 14), 0.2));
  CHECK(near(learning_rate(linear, 99), 0.2));
}

TEST_CASE("the noam schedule falls with the inverse square root", "[schedule]") {
  const auto noam = config(ScheduleKind::noam);
  CHECK(near(learning_rate(noam, 16), 0.4));
  CHECK(near(learning_rate(noam, 36), 0.8 / 3));
  CHECK(near(learning_rate(noam, 400), 0.08));
  auto cold = noam;
  cold.warmup_steps = 0;
  CHECK(near(learning_rate(cold, 1), 0.8));
  CHECK(near(learning_rate(cold, 4), 0.4));
}

TEST_CASE("the exponential schedule falls by its rate per period, to a floor", "[schedule]") {
  const auto exponential = config(ScheduleKind::exponential);
  CHECK(near(learning_rate(exponential, 6), 0.4));  // half a period: sqrt(0.25)
  CHECK(near(learning_rate(exponential, 8), 0.2));
  CHECK(near(learning_rate(exponential, 12), 0.2));
  auto bottomless = exponential;
  bottomless.final_learning_rate = 0.0;
  CHECK(near(learning_rate(bottomless, 12), 0.05));
}

TEST_CASE("the cosine schedule is half a wave", "[schedule]") {
  const auto cosine = config(ScheduleKind::cosine);
  CHECK(near(learning_rate(cosine, 9), 0.5));
  CHECK(near(learning_rate(cosine, 14), 0.2));
  CHECK(near(learning_rate(cosine, 15), 0.2));
  // a third of the way: 0.2 + 0.6 * (1 + cos 60 degrees) / 2
  auto longer = cosine;
  longer.max_steps = 19;
  CHECK(near(learning_rate(longer, 9), 0.65));
}

TEST_CASE("the cyclic schedule runs between peak and low", "[schedule]") {
  const auto cyclic = config(ScheduleKind::cyclic);
  CHECK(near(learning_rate(cyclic, 5), 0.5));
  CHECK(near(learning_rate(cyclic, 6), 0.2));
  CHECK(near(learning_rate(cyclic, 7), 0.5));
  CHECK(near(learning_rate(cyclic, 8), 0.8));
  CHECK(near(learning_rate(cyclic, 10), 0.2));
}

TEST_CASE("no schedule divides by zero when warm-up takes all steps", "[schedule]") {
  for (const auto& [name, kind] : dragoman::names(ScheduleKind{})) {
    CAPTURE(name);
    auto short_run = config(kind);
    short_run.max_steps = short_run.warmup_steps;
    CHECK(std::isfinite(learning_rate(short_run, 4)));
    CHECK(std::isfinite(learning_rate(short_run, 5)));
    short_run.warmup_steps = 0;
    CHECK(std::isfinite(learning_rate(short_run, 1)));
  }
}

TEST_CASE("the schedules are those of torch.optim.lr_scheduler", "[schedule]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python with PyTorch (set DRAGOMAN_PYTHON)");
    return;
  }
  const dragoman_test::TemporaryFolder folder;
  {
    std::ofstream file(folder.path("rates"));
    file.precision(17);
    for (const auto& [name, kind] : dragoman::names(ScheduleKind{})) {
      auto long_run = config(kind);
      long_run.warmup_steps = 10;
      long_run.max_steps = 110;
      long_run.decay_steps = 40;
      for (std::int64_t step = 10; step <= 110; ++step)
        file << name << ' ' << step << ' ' << learning_rate(long_run, step) << '\n';
    }
  }
  CHECK(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/training/schedule_reference.py",
                                  folder.path("rates")) == 0);
}
