// Speed of a training step of the modules alone: forward, backward, clipping, fused Adam, on real
// sentence lengths, in target tokens/s without padding. The batches are those of a corpus sorted by
// length, cut to (longest side) x sentences <= batch-tokens, and shuffled.
//
//   training_step IDS [--size small|base] [--batch-tokens 4096] [--steps 50] [--threads 2] [--bf16]
//
// IDS: a sentence pair a line, "source ids<TAB>target ids", ids separated by spaces.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <numeric>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "dragoman/modules/transformer.h"

namespace {

constexpr std::int64_t kBegin = 1;
constexpr std::int64_t kEnd = 2;

struct Options {
  std::string ids;
  bool base = false;
  bool bf16 = false;
  std::int64_t batch_tokens = 4096;
  int steps = 50;
  int warmup = 5;
  int threads = 2;
};

struct Pair {
  std::vector<std::int64_t> source;
  std::vector<std::int64_t> target;
  [[nodiscard]] std::size_t longest() const { return std::max(source.size(), target.size()) + 1; }
};

struct Batch {
  at::Tensor source;
  at::Tensor source_mask;
  at::Tensor target_input;
  at::Tensor target_output;
  std::int64_t target_tokens = 0;
};

Options parse(int argc, char** argv) {
  Options options;
  options.ids = argc > 1 ? argv[1] : "";
  for (int index = 2; index < argc; ++index) {
    const std::string flag = argv[index];
    if (flag == "--bf16") {
      options.bf16 = true;
      continue;
    }
    const std::string value = index + 1 < argc ? argv[++index] : "";
    if (flag == "--size") options.base = value == "base";
    if (flag == "--batch-tokens") options.batch_tokens = std::stoll(value);
    if (flag == "--steps") options.steps = std::stoi(value);
    if (flag == "--threads") options.threads = std::stoi(value);
  }
  return options;
}

std::vector<std::int64_t> read_ids(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; in >> id;)
    ids.push_back(id);
  return ids;
}

std::vector<Pair> read_pairs(const std::string& path) {
  std::ifstream in(path);
  std::vector<Pair> pairs;
  for (std::string line; std::getline(in, line);) {
    const std::size_t tab = line.find('\t');
    pairs.push_back({read_ids(line.substr(0, tab)), read_ids(line.substr(tab + 1))});
  }
  return pairs;
}

at::Tensor pad(const std::vector<std::vector<std::int64_t>>& rows, std::int64_t padding) {
  std::size_t longest = 0;
  for (const auto& row : rows)
    longest = std::max(longest, row.size());
  const at::Tensor ids =
      at::full({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(longest)},
               padding, at::kLong);
  for (std::size_t row = 0; row < rows.size(); ++row)
    std::copy(rows[row].begin(), rows[row].end(),
              ids.mutable_data_ptr<std::int64_t>() + row * longest);
  return ids;
}

Batch collate(const std::vector<Pair>& pairs, const std::vector<std::size_t>& members) {
  std::vector<std::vector<std::int64_t>> source, input, output;
  Batch batch;
  for (const std::size_t member : members) {
    source.push_back(pairs[member].source);
    source.back().push_back(kEnd);
    input.push_back(pairs[member].target);
    input.back().insert(input.back().begin(), kBegin);
    output.push_back(pairs[member].target);
    output.back().push_back(kEnd);
    batch.target_tokens += static_cast<std::int64_t>(output.back().size());
  }
  batch.source = pad(source, -1);
  batch.source_mask = batch.source.ge(0);
  batch.source.clamp_min_(0);
  batch.target_input = pad(input, 0);
  batch.target_output = pad(output, -1);
  return batch;
}

std::vector<Batch> make_batches(const std::vector<Pair>& pairs, std::int64_t batch_tokens) {
  std::vector<std::size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return pairs[a].longest() < pairs[b].longest();
  });
  std::vector<std::vector<std::size_t>> groups(1);
  for (const std::size_t index : order) {
    const std::size_t cost = pairs[index].longest() * (groups.back().size() + 1);
    if (!groups.back().empty() && cost > static_cast<std::size_t>(batch_tokens))
      groups.emplace_back();
    groups.back().push_back(index);
  }
  std::shuffle(groups.begin(), groups.end(), std::mt19937(1));
  std::vector<Batch> batches;
  for (const auto& members : groups)
    batches.push_back(collate(pairs, members));
  return batches;
}

dragoman::ModelConfig model_config(bool base) {
  dragoman::ModelConfig config;
  config.encoder =
      base ? dragoman::StackConfig{6, 512, 8, 2048} : dragoman::StackConfig{3, 256, 4, 1024};
  config.decoder = config.encoder;
  config.source_vocabulary = config.target_vocabulary = 8000;
  return config;
}

/// Adam with LibTorch's fused kernel; clips the gradient's norm to 1.
class Optimizer {
 public:
  explicit Optimizer(std::vector<at::Tensor> parameters) : parameters_(std::move(parameters)) {
    for (const at::Tensor& parameter : parameters_) {
      first_.push_back(at::zeros_like(parameter));
      second_.push_back(at::zeros_like(parameter));
      steps_.push_back(at::zeros({}));
    }
  }

  void step() {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> gradients;
    for (const at::Tensor& parameter : parameters_)
      gradients.push_back(parameter.grad());
    at::Tensor sum = at::zeros({});
    for (const at::Tensor& norm : at::_foreach_norm(gradients))
      sum += norm.square();
    at::_foreach_mul_(gradients, std::min(1.0, 1.0 / (sum.sqrt().item<double>() + 1e-6)));
    for (const at::Tensor& step : steps_)
      step.add_(1);
    at::_fused_adam_(parameters_, gradients, first_, second_, {}, steps_, 5e-4, 0.9, 0.98, 0.0,
                     1e-9, false, false);
    for (at::Tensor& parameter : parameters_)
      parameter.mutable_grad().reset();
  }

 private:
  std::vector<at::Tensor> parameters_, first_, second_, steps_;
};

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  at::set_num_threads(options.threads);
  at::manual_seed(1);
  const std::vector<Batch> batches = make_batches(read_pairs(options.ids), options.batch_tokens);
  dragoman::Transformer model(model_config(options.base));
  if (options.bf16) model->set_compute_type(at::kBFloat16);
  Optimizer optimizer(model->parameters());

  double forward = 0, backward = 0, update = 0, tokens = 0, last_loss = 0;
  for (int step = 0; step < options.warmup + options.steps; ++step) {
    const Batch& batch = batches[static_cast<std::size_t>(step) % batches.size()];
    const double start = seconds();
    const at::Tensor memory = model->encode(batch.source, batch.source_mask);
    dragoman::DecoderState state = model->start(memory, batch.source_mask, false);
    const at::Tensor hidden = model->decode(batch.target_input, state);
    const dragoman::TokenLoss loss =
        model->head()->loss(hidden.flatten(0, 1), batch.target_output.flatten(), 0.1);
    const double after_forward = seconds();
    (loss.loss / static_cast<double>(batch.target_tokens)).backward();
    const double after_backward = seconds();
    optimizer.step();
    const double end = seconds();
    last_loss = loss.loss.item<double>() / static_cast<double>(batch.target_tokens);
    if (step == 0) std::cout << "first loss " << last_loss << '\n';
    if (step < options.warmup) continue;
    forward += after_forward - start;
    backward += after_backward - after_forward;
    update += end - after_backward;
    tokens += static_cast<double>(batch.target_tokens);
  }
  const double total = forward + backward + update;
  std::cout << "target tokens/s " << std::lround(tokens / total) << ", ms per step "
            << std::lround(1e3 * total / options.steps) << " (forward "
            << std::lround(1e3 * forward / options.steps) << ", backward "
            << std::lround(1e3 * backward / options.steps) << ", update "
            << std::lround(1e3 * update / options.steps) << "), last loss " << last_loss << '\n';
}
