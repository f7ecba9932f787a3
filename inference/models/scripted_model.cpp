#include "dragoman/inference/models/scripted_model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <string_view>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/modules/masks.h"

namespace dragoman {
namespace {

/// How far the probabilities of a row may be from summing to one.
constexpr double kProbabilityError = 1e-2;

constexpr const char* kSeeContract = "docs/torchscript.md describes the methods and has examples.";

/// What LibTorch says, without the stack traces: the last line that says something.
std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' '))
    text.remove_suffix(1);
  const std::size_t begin = text.rfind('\n');
  return std::string(begin == std::string_view::npos ? text : text.substr(begin + 1));
}

std::string shape_of(const at::Tensor& tensor) {
  return fmt::format("{} {} on {}", c10::str(tensor.sizes()), c10::toString(tensor.scalar_type()),
                     tensor.device().str());
}

std::vector<at::Tensor> tensors_of(const c10::IValue& value) {
  return value.toTensorVector();
}

/// The name of an attribute that a method, or what it calls, sets; empty: none.
std::string attribute_set_in(at::ArrayRef<const torch::jit::Block*> blocks) {
  for (const torch::jit::Block* block : blocks)
    for (const torch::jit::Node* node : block->nodes()) {
      if (node->kind() == c10::prim::SetAttr) return node->s(c10::attr::name);
      if (std::string name = attribute_set_in(node->blocks()); !name.empty()) return name;
    }
  return "";
}

}  // namespace

/// The module and its two methods, and how they are called.
struct ScriptedModel::Script {
  torch::jit::Module module;
  const std::string& path;

  [[noreturn]] void refuse(const std::string& problem) const {
    throw ModelError(fmt::format("{}: {} {}", path, problem, kSeeContract));
  }

  /// Of method `name`: can it be called with `given`, and does it return `returned`?
  void check_method(const std::string& name, const std::vector<c10::TypePtr>& given,
                    const c10::TypePtr& returned) const {
    const auto method = module.find_method(name);
    if (!method) {
      std::string others;
      for (const auto& other : module.get_methods())
        others += (others.empty() ? "" : ", ") + other.name();
      refuse(
          fmt::format("has no method {}, which a model must have (it has: {}). Export it with "
                      "@torch.jit.export.",
                      name, others.empty() ? "none" : others));
    }
    const auto& arguments = method->function().getSchema().arguments();  // the first is self
    for (std::size_t place = 0; place < given.size(); ++place) {
      if (place + 1 >= arguments.size())
        refuse(fmt::format("{} takes {} argument(s), it must take {}.", name, arguments.size() - 1,
                           given.size()));
      const auto& argument = arguments[place + 1];
      if (!given[place]->isSubtypeOf(*argument.type()))
        refuse(fmt::format("{}: its argument {} is a {}, it must take a {}.", name, argument.name(),
                           argument.type()->annotation_str(), given[place]->annotation_str()));
    }
    for (std::size_t place = given.size() + 1; place < arguments.size(); ++place)
      if (!arguments[place].default_value())
        refuse(fmt::format("{}: its argument {} has no default, and only {} are given.", name,
                           arguments[place].name(), given.size()));
    const auto& returns = method->function().getSchema().returns();
    if (returns.size() != 1 || !returns.front().type()->isSubtypeOf(*returned))
      refuse(fmt::format("{} returns {}, it must return {}.", name,
                         returns.empty() ? "nothing" : returns.front().type()->annotation_str(),
                         returned->annotation_str()));
    const auto graph = method->graph()->copy();
    torch::jit::Inline(*graph);
    if (const std::string set = attribute_set_in(graph->block()); !set.empty())
      refuse(
          fmt::format("{} sets self.{}, which all threads and sentences share. What a step has to "
                      "remember belongs in its state.",
                      name, set));
  }

  c10::IValue call(const char* name, std::vector<c10::IValue> arguments) const {
    // Shapes change with every call: plans made for one of them would be made again and again.
    const torch::jit::GraphOptimizerEnabledGuard unspecialized(false);
    try {
      return module.get_method(name)(std::move(arguments));
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const std::exception& error) {
      const std::string_view problem = error.what();
      if (problem.find("allocate memory") != std::string_view::npos) throw;
      throw ModelError(fmt::format("{}: {} failed: {}", path, name, last_line(problem)));
    }
  }
};

struct ScriptedModel::State final : StepState {
  std::vector<at::Tensor> tensors;

  void check(const Script& script, const char* method, std::int64_t rows, at::Device device) const {
    for (std::size_t place = 0; place < tensors.size(); ++place) {
      const at::Tensor& tensor = tensors[place];
      const bool fits = tensor.defined() && tensor.dim() > 0 && tensor.size(0) == rows;
      if (!fits || tensor.device() != device)
        script.refuse(fmt::format(
            "{}: state[{}] is {}, it must have {} rows on axis 0 and be on {}.", method, place,
            tensor.defined() ? shape_of(tensor) : "undefined", rows, device.str()));
    }
  }
};

ScriptedModel::ScriptedModel(const std::string& path, at::Device device,
                             const ScriptedModelOptions& options)
    : path_(path), device_(device), options_(options) {
  if (device_.is_cuda() && !device_.has_index()) device_.set_index(0);
  try {
    script_ = std::make_unique<Script>(Script{torch::jit::load(path, device_), path_});
    script_->module.eval();
  } catch (const std::exception& error) {
    throw ModelError(fmt::format("{}: TorchScript cannot load it on {}: {}", path, device_.str(),
                                 last_line(error.what())));
  }
  const c10::TypePtr tensor = c10::TensorType::get();
  const c10::TypePtr state = c10::ListType::ofTensors();
  script_->check_method("encode", {tensor, tensor}, state);
  script_->check_method("step", {tensor, state}, c10::TupleType::create({tensor, state}));
  warm_up();
}

ScriptedModel::~ScriptedModel() = default;

void ScriptedModel::warm_up() const {
  const at::NoGradGuard no_gradients;
  for (const auto& [rows, length] : {std::pair<std::int64_t, std::int64_t>(2, 5), {3, 8}}) {
    SourceBatch source;
    const at::Tensor ids =
        at::arange(rows * length, at::kLong).remainder(options_.source_vocabulary);
    source.ids = ids.view({rows, length}).to(device_);
    source.lengths = at::arange(length - rows + 1, length + 1, at::kLong).to(device_);
    const auto state = start(source);
    at::Tensor last = at::full({rows, 1}, options_.begin, at::kLong).to(device_);
    for (int position = 0; position < 3; ++position) {
      const at::Tensor log_probs = step(last, *state);
      const double error = at::logsumexp(log_probs, {1}).abs().max().item<double>();
      if (!(error < kProbabilityError))
        script_->refuse(fmt::format(
            "step: what it returns are no log-probabilities: the logarithm of their sum is {:.3g}, "
            "not 0. Return torch.log_softmax(logits, -1).",
            error));
      last = log_probs.argmax(1, /*keepdim=*/true);
    }
  }
}

std::unique_ptr<StepState> ScriptedModel::start(const SourceBatch& source) const {
  auto state = std::make_unique<State>();
  const at::Tensor mask = padding_mask(source.lengths, source.ids.size(1));  // [B, S]
  state->tensors = tensors_of(script_->call("encode", {source.ids, mask}));
  state->check(*script_, "encode", source.ids.size(0), device_);
  return state;
}

at::Tensor ScriptedModel::step(const at::Tensor& next, StepState& state) const {
  auto& own = static_cast<State&>(state);
  const std::int64_t rows = next.size(0);
  at::Tensor log_probs;
  for (std::int64_t position = 0; position < next.size(1); ++position) {
    const c10::IValue result =
        script_->call("step", {next.select(1, position).contiguous(),
                               c10::List<at::Tensor>(at::ArrayRef<at::Tensor>(own.tensors))});
    const auto& parts = result.toTupleRef().elements();
    log_probs = parts[0].toTensor();
    own.tensors = tensors_of(parts[1]);
    own.check(*script_, "step", rows, device_);
  }
  const bool fits = log_probs.defined() && log_probs.dim() == 2 && log_probs.size(0) == rows &&
                    log_probs.size(1) == vocabulary_size() && log_probs.is_floating_point() &&
                    log_probs.device() == device_;
  if (!fits)
    script_->refuse(fmt::format(
        "step: the log-probabilities are {}, they must be floating-point [{}, {}] on {}: a row for "
        "each of last, a column for each piece of the target's tokeniser.",
        log_probs.defined() ? shape_of(log_probs) : "undefined", rows, vocabulary_size(),
        device_.str()));
  return log_probs.to(at::kFloat);
}

void ScriptedModel::reorder(StepState& state, const at::Tensor& rows,
                            const at::Tensor& /*sentences*/) const {
  for (at::Tensor& tensor : static_cast<State&>(state).tensors)
    tensor = tensor.index_select(0, rows);
}

std::int64_t ScriptedModel::max_positions() const {
  return options_.max_positions > 0 ? options_.max_positions : StepModel::max_positions();
}

}  // namespace dragoman
