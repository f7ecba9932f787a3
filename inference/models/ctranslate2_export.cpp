#include "dragoman/inference/models/ctranslate2_export.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/modules/positions.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

// As in its file types.h.
constexpr std::uint32_t kBinaryVersion = 6;
constexpr std::uint32_t kRevision = 7;
enum class Type : std::uint8_t { float32 = 0, int8 = 1, int16 = 2 };

class ModelBinary {
 public:
  void add(const std::string& name, const at::Tensor& tensor) {
    const at::Tensor values = tensor.to(at::kCPU, at::kFloat).contiguous();
    begin(name, values.sizes().vec(), Type::float32, values.nbytes());
    append(values.const_data_ptr(), values.nbytes());
  }
  void add_int8(const std::string& name, std::int8_t value) { scalar(name, Type::int8, value); }
  void add_int16(const std::string& name, std::int16_t value) { scalar(name, Type::int16, value); }
  void add_alias(const std::string& name, const std::string& of) {
    aliases_.emplace_back(name, of);
  }

  /// The whole file.
  [[nodiscard]] std::string bytes() const {
    ModelBinary file;
    file.number<std::uint32_t>(kBinaryVersion);
    file.text("TransformerSpec");
    file.number(kRevision);
    file.number(count_);
    file.body_ += body_;
    file.number(static_cast<std::uint32_t>(aliases_.size()));
    for (const auto& [name, of] : aliases_) {
      file.text(name);
      file.text(of);
    }
    return std::move(file.body_);
  }

 private:
  void append(const void* bytes, std::size_t size) {
    body_.append(static_cast<const char*>(bytes), size);
  }
  template <typename Number>
  void number(Number value) {
    append(&value, sizeof value);
  }
  void text(const std::string& value) {
    number(static_cast<std::uint16_t>(value.size() + 1));
    append(value.c_str(), value.size() + 1);
  }
  void begin(const std::string& name, const std::vector<std::int64_t>& shape, Type type,
             std::size_t size) {
    ++count_;
    text(name);
    number(static_cast<std::uint8_t>(shape.size()));
    for (const std::int64_t dim : shape)
      number(static_cast<std::uint32_t>(dim));
    number(type);
    number(static_cast<std::uint32_t>(size));
  }
  template <typename Number>
  void scalar(const std::string& name, Type type, Number value) {
    begin(name, {}, type, sizeof value);
    number(value);
  }

  std::string body_;
  std::uint32_t count_ = 0;
  std::vector<std::pair<std::string, std::string>> aliases_;
};

std::int8_t activation_number(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return 0;
    case Activation::gelu_new:
      return 1;
    case Activation::silu:
      return 2;
    case Activation::gelu:
      return 3;
  }
  return 0;
}

class Exporter {
 public:
  explicit Exporter(const ModelFile& file) : file_(file) {}

  std::string run() {
    stack("encoder", file_.model.encoder, "encoder/embeddings_0/weight", "source_embedding");
    stack("decoder", file_.model.decoder, "decoder/embeddings/weight", "target_embedding");
    out_.add_int8("encoder/embeddings_merge", 0);
    out_.add_int16("decoder/alignment_layer", -1);
    out_.add_int16("decoder/alignment_heads", 1);
    if (has("output_head.weight"))
      out_.add("decoder/projection/weight", weight("output_head.weight"));
    else if (file_.model.tied_embeddings == TiedEmbeddings::source_output)
      out_.add_alias("decoder/projection/weight", "encoder/embeddings_0/weight");
    else
      out_.add_alias("decoder/projection/weight", target_embedding_);
    if (has("output_head.bias")) out_.add("decoder/projection/bias", weight("output_head.bias"));
    return out_.bytes();
  }

 private:
  [[nodiscard]] bool has(const std::string& name) const { return file_.weights.contains(name); }
  [[nodiscard]] const at::Tensor& weight(const std::string& name) const {
    const auto found = file_.weights.find(name);
    if (found == file_.weights.end())
      throw ModelError(fmt::format("{}: has no parameter {}.", file_.path, name));
    return found->second;
  }

  void linear(const std::string& theirs, const std::string& ours) {
    out_.add(theirs + "/weight", weight(ours + ".weight"));
    out_.add(theirs + "/bias", weight(ours + ".bias"));
  }
  void norm(const std::string& theirs, const std::string& ours) {
    out_.add(theirs + "/layer_norm/gamma", weight(ours + ".weight"));
    out_.add(theirs + "/layer_norm/beta", weight(ours + ".bias"));
  }

  void embedding(const std::string& side, const StackConfig& stack, const std::string& theirs,
                 const std::string& ours) {
    const bool is_tied = !has(ours + ".weight");
    if (is_tied)
      out_.add_alias(theirs, "encoder/embeddings_0/weight");
    else
      out_.add(theirs, weight(ours + ".weight"));
    if (side == "decoder") target_embedding_ = is_tied ? "encoder/embeddings_0/weight" : theirs;
    out_.add_int8(side + "/scale_embeddings", file_.model.scale_embeddings ? 1 : 0);
    const std::int64_t positions = file_.model.max_positions;
    at::Tensor encodings = at::zeros({positions, stack.dim});
    if (file_.model.positions == PositionKind::learned)
      encodings = weight(ours + ".positions.weight");
    else if (is_sinusoidal(file_.model.positions))
      encodings = sinusoidal_positions({0, positions}, stack.dim, at::kCPU, file_.model.positions);
    out_.add(side + "/position_encodings/encodings", encodings);
  }

  void stack(const std::string& side, const StackConfig& stack, const std::string& embedding_name,
             const std::string& embedding_ours) {
    const bool is_pre_norm = file_.model.norm == NormPosition::pre;
    out_.add_int16(side + "/num_heads", static_cast<std::int16_t>(stack.heads));
    out_.add_int8(side + "/pre_norm", is_pre_norm ? 1 : 0);
    out_.add_int8(side + "/activation", activation_number(file_.model.activation));
    embedding(side, stack, embedding_name, embedding_ours);
    if (is_pre_norm) norm(side, side + ".norm");
    for (std::int64_t layer = 0; layer < stack.layers; ++layer) {
      const std::string theirs = fmt::format("{}/layer_{}", side, layer);
      const std::string ours = fmt::format("{}.layers.{}", side, layer);
      norm(theirs + "/self_attention", ours + ".self_attention_norm");
      linear(theirs + "/self_attention/linear_0", ours + ".self_attention.query_key_value");
      linear(theirs + "/self_attention/linear_1", ours + ".self_attention.output");
      if (side == "decoder") {
        norm(theirs + "/attention", ours + ".cross_attention_norm");
        linear(theirs + "/attention/linear_0", ours + ".cross_attention.query");
        linear(theirs + "/attention/linear_1", ours + ".cross_attention.key_value");
        linear(theirs + "/attention/linear_2", ours + ".cross_attention.output");
      }
      norm(theirs + "/ffn", ours + ".feed_forward_norm");
      linear(theirs + "/ffn/linear_0", ours + ".feed_forward.inner");
      linear(theirs + "/ffn/linear_1", ours + ".feed_forward.outer");
    }
  }

  const ModelFile& file_;
  ModelBinary out_;
  std::string target_embedding_;
};

std::string vocabulary(const Tokenizer& tokenizer) {
  Json pieces = Json::array();
  for (std::int32_t id = 0; id < tokenizer.size(); ++id)
    pieces.push_back(tokenizer.piece(id));
  return pieces.dump(2) + "\n";
}

}  // namespace

void export_ctranslate2(const ModelFile& file, const std::string& folder) {
  if (file.model.copy_head.enabled)
    throw UsageError(fmt::format(
        "{}: has a copy head, which CTranslate2 does not know. Export a model without one.",
        file.path));
  if (file.model.architecture != Architecture::transformer)
    throw UsageError(fmt::format(
        "{}: is an lstm. Transformers alone can be exported to CTranslate2.", file.path));
  if (const std::string_view option = file.model.modules_only(); !option.empty())
    throw UsageError(
        fmt::format("{}: its model.{} is not among those that this export writes for CTranslate2. "
                    "CTranslate2's own converters read the original of an imported model.",
                    file.path, option));
  if (!file.model.source_prefix.empty() || !file.model.target_prefix.empty())
    throw UsageError(
        fmt::format("{}: has model.source_prefix or target_prefix, which CTranslate2 leaves to its "
                    "callers. CTranslate2's own converters read the original of an imported model.",
                    file.path));
  const std::string model = Exporter(file).run();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw SystemError(
        fmt::format("{}: cannot be made: {}. Choose another folder.", folder, error.message()));
  const auto write = [&folder](const char* name, std::string_view content) {
    write_file_atomically((std::filesystem::path(folder) / name).string(), content);
  };
  const Tokenizer& source = file.encoder.source();
  const Tokenizer& target = file.encoder.target();
  write("model.bin", model);
  write("source.spm", source.bytes());
  if (file.is_joint) {
    write("shared_vocabulary.json", vocabulary(source));
  } else {
    write("target.spm", target.bytes());
    write("source_vocabulary.json", vocabulary(source));
    write("target_vocabulary.json", vocabulary(target));
  }
  const Json config{{"add_source_bos", false},
                    {"add_source_eos", file.model.source_end},
                    {"bos_token", target.piece(target.begin_id())},
                    {"decoder_start_token", target.piece(target.begin_id())},
                    {"eos_token", target.piece(target.end_id())},
                    {"layer_norm_epsilon", file.model.norm_epsilon},
                    {"unk_token", target.piece(target.unknown_id())}};
  write("config.json", config.dump(2) + "\n");
}

}  // namespace dragoman
