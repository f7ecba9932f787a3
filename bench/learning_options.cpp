// What each learning option adds to an update: two trainings of the same model on the same batches,
// one with the option and one without, take turns, update by update, so that whatever else the
// machine does meets both. Prints the mean CPU time of an update and the ratio.
//
//   learning_options [--rounds 15] [--threads 1] [--batch-tokens 2048] [--bf16]
//
// The model is small (3 + 3 layers, 256/1024, 8000 words), the teacher as large; sentences of
// random words, 20 to 30 a side.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "dragoman/training/moving_average.h"
#include "dragoman/training/update.h"

namespace {

using dragoman::ModelConfig;
using dragoman::TrainingConfig;

struct Settings {
  ModelConfig model;
  TrainingConfig training;
  double sampling = 0.0;
  bool is_taught = false;
};

struct Case {
  std::string name;
  std::function<void(Settings&)> change;
};

ModelConfig small_model() {
  ModelConfig config;
  config.encoder = {3, 256, 4, 1024};
  config.decoder = config.encoder;
  config.source_vocabulary = config.target_vocabulary = 8000;
  return config;
}

dragoman::Batch random_batch(std::int64_t tokens) {
  std::vector<dragoman::Example> pairs;
  const at::Tensor lengths = at::randint(20, 31, {tokens / 31, 2}, at::kLong);
  for (std::int64_t row = 0; row < lengths.size(0); ++row) {
    dragoman::Example pair;
    for (auto* side : {&pair.source, &pair.target}) {
      const std::int64_t length = lengths[row][side == &pair.target].item<std::int64_t>();
      const at::Tensor words = at::randint(4, 8000, {length}, at::kInt);
      side->assign(words.const_data_ptr<std::int32_t>(),
                   words.const_data_ptr<std::int32_t>() + length);
    }
    const auto linked = static_cast<std::int32_t>(std::min(pair.source.size(), pair.target.size()));
    for (std::int32_t place = 0; place < linked; ++place)
      pair.links.push_back({place, place});
    pairs.push_back(std::move(pair));
  }
  return dragoman::collate(pairs, {});
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// One training; its updates are timed.
class Training {
 public:
  Training(const Settings& settings, at::ScalarType type) : settings_(settings) {
    at::manual_seed(1);
    dragoman::LossInputs inputs;
    if (settings.is_taught) {
      inputs.teacher = dragoman::Transformer(small_model());
      inputs.teacher->set_compute_type(type);
      inputs.teacher->eval();
    }
    model_ = dragoman::Transformer(settings.model);
    model_->set_compute_type(type);
    model_->train();
    optimizer_ = std::make_unique<dragoman::Optimizer>(settings.training, *model_);
    update_ = std::make_unique<dragoman::Update>(settings.training, model_, *optimizer_, at::kCPU,
                                                 inputs);
    if (settings.training.ema > 0.0)
      average_ = std::make_unique<dragoman::MovingAverage>(settings.training.ema,
                                                           optimizer_->parameters());
  }

  void step(const dragoman::Batch& batch, bool is_counted) {
    const double begun = cpu_seconds();
    update_->run({&batch, 1}, 1e-4, nullptr, settings_.sampling);
    if (average_) average_->add();
    if (is_counted) seconds_.push_back(cpu_seconds() - begun);
  }

  [[nodiscard]] double mean() const {
    return std::accumulate(seconds_.begin(), seconds_.end(), 0.0) /
           static_cast<double>(seconds_.size());
  }

 private:
  Settings settings_;
  dragoman::Transformer model_{nullptr};
  std::unique_ptr<dragoman::Optimizer> optimizer_;
  std::unique_ptr<dragoman::Update> update_;
  std::unique_ptr<dragoman::MovingAverage> average_;
  std::vector<double> seconds_;
};

}  // namespace

int main(int argc, char** argv) {
  int rounds = 15;
  int threads = 1;
  std::int64_t tokens = 2048;
  at::ScalarType type = at::kFloat;
  for (int index = 1; index < argc; ++index) {
    const std::string flag = argv[index];
    if (flag == "--bf16") {
      type = at::kBFloat16;
    } else if (index + 1 < argc) {
      const std::string value = argv[++index];
      if (flag == "--rounds") rounds = std::stoi(value);
      if (flag == "--threads") threads = std::stoi(value);
      if (flag == "--batch-tokens") tokens = std::stoll(value);
    }
  }
  at::set_num_threads(threads);
  const std::vector<Case> cases = {
      {"ema", [](Settings& s) { s.training.ema = 0.999; }},
      {"guided_alignment", [](Settings& s) { s.training.guided_alignment = 0.1; }},
      {"teacher", [](Settings& s) { s.is_taught = true; }},
      {"teacher, distillation_top_k 16",
       [](Settings& s) {
         s.is_taught = true;
         s.training.distillation_top_k = 16;
       }},
      {"scheduled_sampling", [](Settings& s) { s.sampling = 0.5; }},
      {"activation_checkpointing", [](Settings& s) { s.training.activation_checkpointing = true; }},
      {"layer_drop 0.2", [](Settings& s) { s.model.layer_drop = 0.2; }},
      {"r_drop", [](Settings& s) { s.training.r_drop = 1.0; }},
  };
  at::manual_seed(7);
  const dragoman::Batch batch = random_batch(tokens);
  for (const Case& option : cases) {
    Settings off{.model = small_model(), .training = {}};
    Settings on = off;
    option.change(on);
    Training without(off, type);
    Training with(on, type);
    for (int round = -2; round < rounds; ++round) {
      without.step(batch, round >= 0);
      with.step(batch, round >= 0);
    }
    const double before = without.mean();
    const double after = with.mean();
    std::printf("%-32s off %7.1f ms  on %7.1f ms  ratio %.3f\n", option.name.c_str(), 1e3 * before,
                1e3 * after, after / before);
    std::fflush(stdout);
  }
}
