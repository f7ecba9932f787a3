#include "dragoman/modules/transformer_script.h"

#include <cmath>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

#include "dragoman/modules/transformer_script_source.h"

namespace dragoman {
namespace {

/// Tensors of the state in front of the layers': the source mask.
constexpr std::int64_t kStateHead = 1;
/// Of each layer: keys and values of the source, keys and values of the past.
constexpr std::int64_t kStateOfLayer = 4;

std::string number(double value) {
  std::ostringstream text;
  text.precision(std::numeric_limits<double>::max_digits10);
  text << value;
  const std::string digits = text.str();
  return digits.find_first_of(".e") == std::string::npos ? digits + ".0" : digits;
}

std::string number(std::int64_t value) {
  return std::to_string(value);
}

/// `text` with each {name} replaced.
std::string fill(std::string text,
                 const std::vector<std::pair<std::string, std::string>>& replacements) {
  for (const auto& [name, value] : replacements) {
    const std::string mark = "{" + name + "}";
    for (std::size_t place = text.find(mark); place != std::string::npos;
         place = text.find(mark, place + value.size()))
      text.replace(place, mark.size(), value);
  }
  return text;
}

/// "self.encoder" + "layers.0": names that are numbers can only be asked for.
std::string member(const std::string& object, const std::string& path) {
  std::string expression = object;
  std::istringstream names(path);
  for (std::string name; std::getline(names, name, '.');)
    expression = name.find_first_not_of("0123456789") == std::string::npos
                     ? "getattr(" + expression + ", \"" + name + "\")"
                     : expression + "." + name;
  return expression;
}

class ScriptWriter {
 public:
  ScriptWriter(const ModelConfig& config, const std::map<std::string, at::Tensor>& stored,
               const ScriptVocabulary& vocabulary)
      : config_(config), stored_(stored), vocabulary_(vocabulary) {}

  std::map<std::string, std::string> run() {
    std::map<std::string, std::string> methods;
    for (std::int64_t layer = 0; layer < config_.encoder.layers; ++layer) {
      const std::string path = "encoder.layers." + number(layer);
      methods[path] = encoder_layer(path + ".");
    }
    for (std::int64_t layer = 0; layer < config_.decoder.layers; ++layer) {
      const std::string path = "decoder.layers." + number(layer);
      methods[path] = decoder_layer(path + ".");
    }
    methods[""] = model();
    return methods;
  }

 private:
  using Replacements = std::vector<std::pair<std::string, std::string>>;

  [[nodiscard]] bool has(const std::string& name) const { return stored_.contains(name); }

  /// Parameter `name` of the group `group`, in the type of `like`.
  [[nodiscard]] std::string weight(const std::string& group, const std::string& name,
                                   const std::string& like) const {
    const std::string self = member("self", name);
    const auto found = stored_.find(group + name);
    if (found == stored_.end() || found->second.scalar_type() == at::kFloat) return self;
    const std::string cast = "torch.to(" + self + ", " + like + ".dtype)";
    return has(group + name + "_scale") ? cast + " * torch.unsqueeze(" + self + "_scale, 1)" : cast;
  }

  [[nodiscard]] std::string linear(const std::string& group, const std::string& name,
                                   const std::string& x) const {
    return "torch.linear(" + x + ", " + weight(group, name + ".weight", x) + ", " +
           member("self", name) + ".bias)";
  }

  [[nodiscard]] std::string norm(const std::string& name, const std::string& x,
                                 std::int64_t dim) const {
    return "torch.layer_norm(" + x + ", [" + number(dim) + "], self." + name + ".weight, self." +
           name + ".bias, " + number(config_.norm_epsilon) + ")";
  }

  /// What stands before and after a sub-layer: {before_NAME}, {after_NAME}.
  void add_residual(const std::string& name, std::int64_t dim, Replacements& replacements) const {
    const bool is_pre = config_.norm == NormPosition::pre;
    replacements.emplace_back("before_" + name, is_pre ? norm(name + "_norm", "x", dim) : "x");
    replacements.emplace_back("after_" + name,
                              is_pre ? "x + y" : norm(name + "_norm", "x + y", dim));
  }

  [[nodiscard]] Replacements of_layer(const std::string& group, const StackConfig& stack) const {
    const double head = static_cast<double>(stack.dim / stack.heads);
    Replacements replacements = {
        {"scale", number(1.0 / std::sqrt(head))},
        {"attention_dropout", number(config_.attention_dropout)},
        {"activation_dropout", number(config_.activation_dropout)},
        {"dropout", number(config_.dropout)},
        {"dim", number(stack.dim)},
        {"heads", number(stack.heads)},
        {"activation", activation()},
        {"inner", linear(group, "feed_forward.inner", "x")},
        {"outer", linear(group, "feed_forward.outer", "inner")},
        {"query_key_value", linear(group, "self_attention.query_key_value", "x")},
        {"self_output", linear(group, "self_attention.output", "heads")}};
    add_residual("self_attention", stack.dim, replacements);
    add_residual("feed_forward", stack.dim, replacements);
    return replacements;
  }

  [[nodiscard]] std::string activation() const {
    switch (config_.activation) {
      case Activation::relu:
        return "relu";
      case Activation::gelu:
        return "gelu";
      case Activation::silu:
        return "silu";
      case Activation::gelu_new:  // ModelConfig::modules_only
        break;
    }
    return "";
  }

  [[nodiscard]] std::string encoder_layer(const std::string& group) const {
    std::string source = kScriptLayer;
    source += kScriptEncoderLayer;
    return fill(std::move(source), of_layer(group, config_.encoder));
  }

  [[nodiscard]] std::string decoder_layer(const std::string& group) const {
    Replacements replacements = of_layer(group, config_.decoder);
    replacements.emplace_back("key_value", linear(group, "cross_attention.key_value", "x"));
    replacements.emplace_back("query", linear(group, "cross_attention.query", "x"));
    replacements.emplace_back("cross_output", linear(group, "cross_attention.output", "heads"));
    add_residual("cross_attention", config_.decoder.dim, replacements);
    std::string source = kScriptLayer;
    source += kScriptDecoderLayer;
    return fill(std::move(source), replacements);
  }

  /// The matrix of a vocabulary, which may be that of another one.
  [[nodiscard]] std::string matrix(const std::string& own) const {
    const TiedEmbeddings tied = config_.tied_embeddings;
    const bool is_target = own == "target_embedding.weight";
    if (has(own)) return own;
    if (is_target || tied == TiedEmbeddings::source_output) return "source_embedding.weight";
    return matrix("target_embedding.weight");
  }

  [[nodiscard]] std::string embed(const std::string& side, const StackConfig& stack) const {
    const std::string name = matrix(side + "_embedding.weight");
    std::string rows = "torch.embedding(self." + name + ", ids)";
    const auto found = stored_.find(name);
    if (found != stored_.end() && found->second.scalar_type() != at::kFloat)
      rows = "torch.to(" + rows + ", 6)";
    if (has(name + "_scale"))
      rows += " * torch.embedding(torch.unsqueeze(self." + name + "_scale, 1), ids)";
    std::string positions;
    if (config_.positions == PositionKind::sinusoidal)
      positions = fill(kScriptSinusoidal, {{"table", kScriptInterleaved}});
    else if (config_.positions == PositionKind::sinusoidal_split)
      positions = fill(kScriptSinusoidal, {{"table", kScriptSplit}});
    else if (config_.positions == PositionKind::learned)
      positions = "    x = x + torch.narrow(self." + side +
                  "_embedding.positions.weight, 0, offset, ids.size(1))\n";
    const auto dim = static_cast<double>(stack.dim);
    return fill(kScriptEmbed,
                {{"side", side},
                 {"rows", rows},
                 {"scale", number(config_.scale_embeddings ? std::sqrt(dim) : 1.0)},
                 {"word_dropout",
                  config_.word_dropout > 0.0
                      ? fill(kScriptWordDropout, {{"word_dropout", number(config_.word_dropout)}})
                      : ""},
                 {"positions", positions},
                 {"pairs", number((stack.dim + 1) / 2)},
                 {"rate", number(-2.0 * std::log(10000.0) / dim)},
                 {"dim", number(stack.dim)},
                 {"dropout", number(config_.dropout)}});
  }

  /// The layer whose attention points.
  [[nodiscard]] std::int64_t pointing_layer() const {
    return config_.copy_head.layer == 0 ? config_.decoder.layers - 1 : config_.copy_head.layer - 1;
  }

  [[nodiscard]] std::string model() const {
    std::string encoder_layers;
    for (std::int64_t layer = 0; layer < config_.encoder.layers; ++layer)
      encoder_layers +=
          "    x = " + member("self.encoder", "layers." + number(layer)) + ".forward(x, added)\n";
    std::string start_layers;
    std::string decoder_layers;
    for (std::int64_t layer = 0; layer < config_.decoder.layers; ++layer) {
      const std::string object = member("self.decoder", "layers." + number(layer));
      const std::int64_t begin = kStateHead + kStateOfLayer * layer;
      const std::string index = number(layer);
      start_layers += "    state = state + " + object + ".start(memory)\n";
      decoder_layers += "    x, scores_" + index + ", past_" + index + " = " + object +
                        ".forward(x, causal, added, state[" + number(begin) + ":" +
                        number(begin + kStateOfLayer) + "])\n    new = new + past_" + index + "\n";
    }
    const bool is_pre = config_.norm == NormPosition::pre;
    const bool copies = config_.copy_head.enabled;
    const std::string words = matrix("output_head.weight");
    std::string source = embed("source", config_.encoder);
    source += embed("target", config_.decoder);
    source += kScriptModel;
    source += copies ? kScriptCopying : kScriptPlain;
    Replacements replacements = copies ? of_copy_head() : Replacements();
    replacements.insert(
        replacements.end(),
        {{"encoder_layers", encoder_layers},
         {"decoder_layers", decoder_layers},
         {"start_layers", start_layers},
         {"encoder_norm", is_pre ? norm("encoder.norm", "x", config_.encoder.dim) : "x"},
         {"decoder_norm", is_pre ? norm("decoder.norm", "x", config_.decoder.dim) : "x"},
         {"readable", copies ? "torch.masked_fill(tokens, torch.ge(tokens, self." + words +
                                   ".size(0)), " + number(vocabulary_.unknown) + ")"
                             : "tokens"},
         {"pointer_scores", "scores_" + number(pointing_layer())},
         {"logits", "torch.linear(x, " + weight("", words, "x") + ", " +
                        (config_.output_bias ? "self.output_head.bias" : "None") + ")"}});
    return fill(std::move(source), replacements);
  }

  [[nodiscard]] Replacements of_copy_head() const {
    const CopyHeadConfig& head = config_.copy_head;
    const bool is_dedicated = head.pointer == PointerKind::dedicated;
    const std::string number_of_head = number(head.head - 1);
    const std::int64_t copying = kStateHead + kStateOfLayer * config_.decoder.layers;
    const auto width = static_cast<double>(head.dim == 0 ? config_.decoder.dim : head.dim);
    const std::string keys_of_layer =
        "state[" + number(kStateHead + kStateOfLayer * pointing_layer()) + "]";
    return {
        {"copy_ids", vocabulary_.is_joint
                         ? "    copies = torch.masked_fill(ids, torch.logical_not(real), -2) if "
                           "copy_ids is None else copy_ids\n"
                         : "    assert copy_ids is not None, \"source and target have different "
                           "tokenisers: encode needs copy_ids\"\n    copies = copy_ids\n"},
        {"pointer_keys", is_dedicated
                             ? linear("", "copy_head.key", "memory")
                             : "torch.select(" + keys_of_layer + ", 1, " + number_of_head + ")"},
        {"scores", is_dedicated
                       ? "torch.bmm(" + linear("", "copy_head.query", "x") + " * " +
                             number(1.0 / std::sqrt(width)) +
                             ", torch.transpose(keys, 1, 2)) + torch.squeeze(self._added(state[0], "
                             "x), 1)"
                       : "torch.select(cross_scores, 1, " + number_of_head + ")"},
        {"look_back", head.coverage ? kScriptLookBack : ""},
        {"follow", head.follow ? kScriptFollow : ""},
        {"follow_gate", head.follow ? kScriptFollowGate : ""},
        {"gate", linear("", "copy_head.gate", "y")},
        {"copying", number(copying)}};
  }

  const ModelConfig& config_;
  const std::map<std::string, at::Tensor>& stored_;
  const ScriptVocabulary& vocabulary_;
};

}  // namespace

std::map<std::string, std::string> transformer_script(
    const ModelConfig& config, const std::map<std::string, at::Tensor>& stored,
    const ScriptVocabulary& vocabulary) {
  if (!config.modules_only().empty()) return {};
  return ScriptWriter(config, stored, vocabulary).run();
}

}  // namespace dragoman
