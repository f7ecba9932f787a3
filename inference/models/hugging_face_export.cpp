#include "dragoman/inference/models/hugging_face_export.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/model_file.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

/// Where a matrix meets the states that run through all layers.
enum class Meets { inputs, outputs, neither };

class HuggingFaceTensors {
 public:
  explicit HuggingFaceTensors(const ModelFile& file) : file_(file) {
    const std::int64_t dim = file.model.encoder.dim;
    if (file.model.positions == PositionKind::sinusoidal)
      order_ = at::cat({at::arange(0, dim, 2, at::kLong), at::arange(1, dim, 2, at::kLong)});
  }

  std::map<std::string, at::Tensor> run() {
    stack("encoder", file_.model.encoder.layers);
    stack("decoder", file_.model.decoder.layers);
    vocabulary_matrices();
    return std::move(tensors_);
  }

 private:
  [[nodiscard]] bool has(const std::string& name) const { return file_.weights.contains(name); }
  [[nodiscard]] const at::Tensor& weight(const std::string& name) const {
    const auto found = file_.weights.find(name);
    if (found == file_.weights.end())
      throw ModelError(fmt::format("{}: has no parameter {}.", file_.path, name));
    return found->second;
  }
  [[nodiscard]] at::Tensor in_order(const at::Tensor& tensor, std::int64_t axis) const {
    return (order_.defined() ? tensor.index_select(axis, order_) : tensor).contiguous();
  }

  /// One matrix of ours is those of theirs, one above the other.
  void linear(const std::vector<std::string>& theirs, const std::string& ours, Meets meets) {
    const auto count = static_cast<std::int64_t>(theirs.size());
    for (const char* part : {".weight", ".bias"}) {
      at::Tensor all = weight(ours + part);
      if (meets == Meets::outputs) all = in_order(all, 0);
      if (meets == Meets::inputs && all.dim() == 2) all = in_order(all, 1);
      const std::vector<at::Tensor> parts = all.chunk(count, 0);
      for (std::size_t index = 0; index < theirs.size(); ++index)
        tensors_[theirs[index] + part] = parts[index].contiguous();
    }
  }
  void norm(const std::string& theirs, const std::string& ours) {
    for (const char* part : {".weight", ".bias"})
      tensors_[theirs + part] = in_order(weight(ours + part), 0);
  }

  void stack(const std::string& side, std::int64_t layers) {
    for (std::int64_t number = 0; number < layers; ++number) {
      const std::string ours = fmt::format("{}.layers.{}.", side, number);
      const std::string theirs = "model." + ours;
      const std::string self = theirs + "self_attn.";
      linear({self + "q_proj", self + "k_proj", self + "v_proj"},
             ours + "self_attention.query_key_value", Meets::inputs);
      linear({self + "out_proj"}, ours + "self_attention.output", Meets::outputs);
      norm(theirs + "self_attn_layer_norm", ours + "self_attention_norm");
      if (side == "decoder") {
        const std::string cross = theirs + "encoder_attn.";
        linear({cross + "q_proj"}, ours + "cross_attention.query", Meets::inputs);
        linear({cross + "k_proj", cross + "v_proj"}, ours + "cross_attention.key_value",
               Meets::inputs);
        linear({cross + "out_proj"}, ours + "cross_attention.output", Meets::outputs);
        norm(theirs + "encoder_attn_layer_norm", ours + "cross_attention_norm");
      }
      linear({theirs + "fc1"}, ours + "feed_forward.inner", Meets::inputs);
      linear({theirs + "fc2"}, ours + "feed_forward.outer", Meets::outputs);
      norm(theirs + "final_layer_norm", ours + "feed_forward_norm");
    }
    if (file_.model.norm == NormPosition::pre)
      norm("model." + side + ".layer_norm", side + ".norm");
  }

  void vocabulary_matrices() {
    const TiedEmbeddings tied = file_.model.tied_embeddings;
    const at::Tensor source = in_order(weight("source_embedding.weight"), 1);
    const at::Tensor target =
        has("target_embedding.weight") ? in_order(weight("target_embedding.weight"), 1) : source;
    if (tied == TiedEmbeddings::all) {
      tensors_["model.shared.weight"] = source;
    } else {
      tensors_["model.encoder.embed_tokens.weight"] = source;
      tensors_["model.decoder.embed_tokens.weight"] = target;
      tensors_["lm_head.weight"] = has("output_head.weight")
                                       ? in_order(weight("output_head.weight"), 1)
                                   : tied == TiedEmbeddings::source_output ? source
                                                                           : target;
    }
    tensors_["final_logits_bias"] =
        (file_.model.output_bias ? weight("output_head.bias")
                                 : at::zeros({file_.model.target_vocabulary}))
            .unsqueeze(0);
  }

  const ModelFile& file_;
  at::Tensor order_;  ///< [D] of our dimensions in theirs; undefined: the same
  std::map<std::string, at::Tensor> tensors_;
};

std::string text_of(const Json& json) {
  return json.dump(2) + "\n";
}

std::string vocabulary_of(const Tokenizer& tokenizer) {
  Json words = Json::object();
  for (std::int32_t id = 0; id < tokenizer.size(); ++id)
    words[tokenizer.piece(id)] = id;
  return text_of(words);
}

std::string_view activation_name(Activation activation) {
  const auto all = names(activation);
  return std::ranges::find(all, activation, [](const auto& entry) { return entry.second; })->first;
}

bool is_tied(const ModelFile& file) {
  return file.model.tied_embeddings == TiedEmbeddings::all;
}

Json network_settings(const ModelFile& file) {
  const ModelConfig& model = file.model;
  const Tokenizer& target = file.encoder.target();
  const bool is_pegasus = model.norm == NormPosition::pre;
  Json config{{"model_type", is_pegasus ? "pegasus" : "marian"},
              {"architectures", {is_pegasus ? "PegasusForConditionalGeneration" : "MarianMTModel"}},
              {"is_encoder_decoder", true},
              {"d_model", model.encoder.dim},
              {"activation_function", activation_name(model.activation)},
              {"dropout", model.dropout},
              {"attention_dropout", model.attention_dropout},
              {"activation_dropout", model.activation_dropout},
              {"max_position_embeddings", model.max_positions},
              {"scale_embedding", model.scale_embeddings},
              {"tie_word_embeddings", is_tied(file)},
              {"vocab_size", model.source_vocabulary},
              {"pad_token_id", target.pad_id()},
              {"bos_token_id", target.begin_id()},
              {"eos_token_id", target.end_id()},
              {"decoder_start_token_id", target.begin_id()},
              {"forced_eos_token_id", nullptr},
              {"dtype", "float32"}};
  for (const auto& [side, stack] :
       {std::pair<std::string, const StackConfig&>("encoder", model.encoder),
        {"decoder", model.decoder}}) {
    config[side + "_layers"] = stack.layers;
    config[side + "_attention_heads"] = stack.heads;
    config[side + "_ffn_dim"] = stack.feed_forward;
  }
  if (!is_pegasus) {
    config["decoder_vocab_size"] = model.target_vocabulary;
    config["share_encoder_decoder_embeddings"] = file.is_joint;
  }
  return config;
}

Json search_settings(const ModelFile& file) {
  const DecodingOptions& search = file.decoding;
  const Tokenizer& target = file.encoder.target();
  std::set<std::int32_t> never{target.pad_id(), target.begin_id()};
  if (!search.allow_unknown) never.insert(target.unknown_id());
  never.erase(target.end_id());
  double length_penalty = search.length_alpha;
  if (search.length_normalization == LengthNormalization::none) length_penalty = 0.0;
  if (search.length_normalization == LengthNormalization::average) length_penalty = 1.0;
  Json early_stopping = "never";
  if (search.early_stopping == EarlyStopping::first) early_stopping = true;
  if (search.early_stopping == EarlyStopping::heuristic) early_stopping = false;
  return {{"num_beams", search.beam_size},
          {"max_length", search.max_length + 2},  // <s> and </s> count there
          {"length_penalty", length_penalty},
          {"early_stopping", early_stopping},
          {"repetition_penalty", search.repetition_penalty},
          {"no_repeat_ngram_size", search.no_repeat_ngram},
          {"suppress_tokens", never},
          {"pad_token_id", target.pad_id()},
          {"bos_token_id", target.begin_id()},
          {"eos_token_id", target.end_id()},
          {"decoder_start_token_id", target.begin_id()}};
}

/// MarianTokenizer reads SentencePiece models as they are, and numbers from a table.
Json tokenizer_settings(const ModelFile& file) {
  const Tokenizer& target = file.encoder.target();
  return {{"tokenizer_class", "MarianTokenizer"},
          {"separate_vocabs", !file.is_joint},
          {"unk_token", target.piece(target.unknown_id())},
          {"eos_token", target.piece(target.end_id())},
          {"pad_token", target.piece(target.pad_id())},
          {"model_max_length", file.model.max_positions}};
}

void check_exportable(const ModelFile& file) {
  const ModelConfig& model = file.model;
  const auto refuse = [&file](const std::string& what) {
    throw UsageError(fmt::format(
        "{}: {} MarianMT and Pegasus of transformers do not have that. Export it as safetensors.",
        file.path, what));
  };
  if (model.copy_head.enabled) refuse("it has a copy head.");
  if (const std::string_view option = model.modules_only(); !option.empty())
    refuse(fmt::format("it has another model.{}.", option));
  if (model.positions != PositionKind::sinusoidal &&
      model.positions != PositionKind::sinusoidal_split)
    refuse("its model.positions are not sinusoidal.");
  if (model.encoder.dim != model.decoder.dim)
    refuse("its model.encoder.dim and decoder.dim differ.");
  if (model.norm_epsilon != 1e-5) refuse("its model.norm_epsilon is not 1e-5.");
  if (!model.source_prefix.empty() || !model.target_prefix.empty() || !model.source_end)
    refuse("it has model.source_prefix, target_prefix or no source_end.");
  if (!file.is_joint && model.norm == NormPosition::pre)
    refuse("it has a tokeniser for each side, and model.norm is pre.");
}

}  // namespace

Archive to_hugging_face(const ModelFile& file) {
  check_exportable(file);
  Archive archive;
  archive.tensors = HuggingFaceTensors(file).run();
  archive.files = {{"config.json", text_of(network_settings(file))},
                   {"generation_config.json", text_of(search_settings(file))},
                   {"tokenizer_config.json", text_of(tokenizer_settings(file))},
                   {"source.spm", std::string(file.encoder.source().bytes())},
                   {"target.spm", std::string(file.encoder.target().bytes())},
                   {"vocab.json", vocabulary_of(file.encoder.source())}};
  if (!file.is_joint) archive.files["target_vocab.json"] = vocabulary_of(file.encoder.target());
  return archive;
}

}  // namespace dragoman
