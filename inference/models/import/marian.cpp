#include "dragoman/inference/models/import/marian.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/data/numpy_archive.h"
#include "dragoman/inference/models/import/networks.h"
#include "dragoman/inference/models/import/vocabularies.h"
#include "dragoman/inference/models/import/yaml_subset.h"

namespace dragoman {
namespace {

const std::string kConfigEntry = "special:model.yml";
const std::string kBeginPiece = "<pad>";

/// Marian has no word that decoding starts from: it starts from zeros. The row of zeros that stands
/// for it here is never output.
constexpr double kNeverSaid = -1e4;
constexpr std::uintmax_t kMaxYamlBytes = 64 << 20;

std::string small_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) > kMaxYamlBytes && !error)
    throw ModelError(fmt::format("{}: is larger than such files are. Take another copy.", path));
  try {
    return read_file(path);
  } catch (const DataError& failure) {
    throw ModelError(failure.what());
  }
}

/// What Marian was told when it trained.
class MarianSettings {
 public:
  MarianSettings(const std::string& text, std::string origin)
      : origin_(std::move(origin)), values_(read_yaml_settings(text, origin_)) {}

  [[nodiscard]] std::string text(const std::string& key, const std::string& otherwise) const {
    const auto found = values_.find(key);
    return found == values_.end() || found->second.empty() ? otherwise : found->second.front();
  }
  [[nodiscard]] bool flag(const std::string& key) const { return text(key, "false") == "true"; }
  [[nodiscard]] double number(const std::string& key, double low, double high,
                              double otherwise) const {
    const std::string value = text(key, fmt::format("{}", otherwise));
    double number = low - 1.0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() ||
        !(number >= low && number <= high))
      throw ModelError(fmt::format("{}: {} is '{}', it should be a number from {} to {}.", origin_,
                                   key, value, low, high));
    return number;
  }
  [[nodiscard]] std::int64_t integer(const std::string& key, std::int64_t high) const {
    return static_cast<std::int64_t>(number(key, 1.0, static_cast<double>(high), 0.0));
  }
  /// Refuses another value than the one that our network computes.
  void expect(const std::string& key, const std::string& value) const {
    if (text(key, value) != value)
      throw ModelError(fmt::format("{}: {} is '{}', and only '{}' is known.", origin_, key,
                                   text(key, value), value));
  }

 private:
  std::string origin_;
  std::map<std::string, std::vector<std::string>> values_;
};

void refuse_other_networks(const MarianSettings& settings) {
  settings.expect("type", "transformer");
  settings.expect("transformer-postprocess", "dan");
  settings.expect("transformer-preprocess", "");
  settings.expect("transformer-postprocess-emb", "d");
  settings.expect("transformer-postprocess-top", "");
  settings.expect("transformer-decoder-autoreg", "self-attention");
  settings.expect("transformer-no-projection", "false");
  settings.expect("transformer-train-position-embeddings", "false");
  settings.expect("transformer-ffn-depth", "2");
  settings.expect("transformer-guided-alignment-layer", "last");
  settings.expect("transformer-tied-layers", "");
  settings.expect("right-left", "false");
  settings.expect("input-types", "");
  settings.expect("factors-combine", "sum");
  settings.expect("lemma-dim-emb", "0");
}

class MarianTensors {
 public:
  MarianTensors(ModelConfig& config, WeightMap& weights) : config_(config), weights_(weights) {}

  void take_all() {
    for (std::int64_t layer = 1; layer <= config_.encoder.layers; ++layer)
      take_layer("encoder", layer);
    for (std::int64_t layer = 1; layer <= config_.decoder.layers; ++layer)
      take_layer("decoder", layer);
  }

  /// With a row of zeros, which decoding starts from.
  void take_embedding(const std::string& from, const std::string& to) {
    weights_.take_changed(
        from, to,
        [](const at::Tensor& table) {
          return at::cat({table, at::zeros({1, table.size(-1)})}, 0);
        },
        "with a row of zeros");
  }
  void take_output(const std::string& from) {
    weights_.take_changed(
        from, "output_head.weight",
        [](const at::Tensor& matrix) {
          return at::cat({matrix.t(), at::zeros({1, matrix.size(0)})}, 0);
        },
        "transposed, with a row of zeros");
  }
  void take_output_bias(const std::string& from) {
    weights_.take_changed(
        from, "output_head.bias",
        [](const at::Tensor& bias) {
          return at::cat({bias.flatten(), at::full({1}, kNeverSaid)}, 0);
        },
        "with one for the row of zeros, which excludes it");
  }

 private:
  void maps(const std::string& from, const std::vector<std::string>& letters,
            const std::string& to) {
    std::vector<std::string> matrices;
    std::vector<std::string> biases;
    for (const std::string& letter : letters) {
      matrices.push_back(from + "W" + letter);
      biases.push_back(from + "b" + letter);
    }
    weights_.stack(matrices, to + ".weight", Orientation::transposed);
    weights_.stack(biases, to + ".bias");
  }
  void norm(const std::string& from, const std::string& to) {
    weights_.take(from + "_ln_scale", to + ".weight");
    weights_.take(from + "_ln_bias", to + ".bias");
  }

  void take_layer(const std::string& side, std::int64_t number) {
    const std::string from = fmt::format("{}_l{}_", side, number);
    const std::string to = fmt::format("{}.layers.{}.", side, number - 1);
    maps(from + "self_", {"q", "k", "v"}, to + "self_attention.query_key_value");
    maps(from + "self_", {"o"}, to + "self_attention.output");
    norm(from + "self_Wo", to + "self_attention_norm");
    if (side == "decoder") {
      maps(from + "context_", {"q"}, to + "cross_attention.query");
      maps(from + "context_", {"k", "v"}, to + "cross_attention.key_value");
      maps(from + "context_", {"o"}, to + "cross_attention.output");
      norm(from + "context_Wo", to + "cross_attention_norm");
    }
    maps(from + "ffn_", {"1"}, to + "feed_forward.inner");
    maps(from + "ffn_", {"2"}, to + "feed_forward.outer");
    norm(from + "ffn_ffn", to + "feed_forward_norm");
  }

  ModelConfig& config_;
  WeightMap& weights_;
};

Activation marian_activation(const MarianSettings& settings) {
  const std::string name = settings.text("transformer-ffn-activation", "swish");
  if (name == "swish") return Activation::silu;
  if (name == "relu") return Activation::relu;
  if (name == "gelu") return Activation::gelu;
  settings.expect("transformer-ffn-activation", "swish");
  return Activation::silu;
}

ModelConfig import_marian_network(const MarianSettings& settings, WeightMap& weights) {
  refuse_other_networks(settings);
  ModelConfig config;
  config.encoder = {.layers = settings.integer("enc-depth", 1000),
                    .dim = settings.integer("dim-emb", 65536),
                    .heads = settings.integer("transformer-heads", 1024),
                    .feed_forward = settings.integer("transformer-dim-ffn", 1048576)};
  config.decoder = config.encoder;
  config.decoder.layers = settings.integer("dec-depth", 1000);
  config.norm = NormPosition::post;
  config.activation = marian_activation(settings);
  config.positions = PositionKind::sinusoidal_split;
  config.dropout = settings.number("transformer-dropout", 0.0, 0.99, 0.0);
  config.attention_dropout = settings.number("transformer-dropout-attention", 0.0, 0.99, 0.0);
  config.activation_dropout = settings.number("transformer-dropout-ffn", 0.0, 0.99, 0.0);

  const bool is_joint =
      settings.flag("tied-embeddings-all") || settings.flag("tied-embeddings-src");
  const bool is_tied = settings.flag("tied-embeddings-all") || settings.flag("tied-embeddings");
  const std::string source = is_joint ? "Wemb" : "encoder_Wemb";
  const std::string target = is_joint ? "Wemb" : "decoder_Wemb";
  const auto words = [&](const std::string& name) {
    const at::Tensor table = weights.find(name);
    return table.defined() && table.dim() == 2 ? table.size(0) + 1 : 0;
  };
  config.source_vocabulary = words(source);
  config.target_vocabulary = words(target);
  MarianTensors tensors(config, weights);
  tensors.take_embedding(source, "source_embedding.weight");
  if (!is_joint) tensors.take_embedding(target, "target_embedding.weight");
  if (!is_tied) tensors.take_output("decoder_ff_logit_out_W");
  tensors.take_output_bias("decoder_ff_logit_out_b");
  if (is_joint)
    config.tied_embeddings = is_tied ? TiedEmbeddings::all : TiedEmbeddings::source_target;
  else
    config.tied_embeddings = is_tied ? TiedEmbeddings::target_output : TiedEmbeddings::none;
  tensors.take_all();
  return config;
}

/// The vocabulary of a side: the folder's only .yml file of that kind, or that of the side.
std::string vocabulary_file(const std::string& folder, const std::string& side) {
  std::vector<std::string> all;
  std::vector<std::string> of_side;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool is_vocabulary = name.ends_with("vocab.yml") || name.ends_with("vocab.yaml");
    if (!is_vocabulary) continue;
    all.push_back(entry.path().string());
    if (name.find(side + ".vocab.") != std::string::npos) of_side.push_back(all.back());
  }
  if (of_side.size() == 1) return of_side.front();
  if (all.size() == 1) return all.front();
  throw ModelError(
      fmt::format("{}: holds {} files *vocab.yml. One is needed, or one *src.vocab.yml and one "
                  "*trg.vocab.yml.",
                  folder, all.size()));
}

std::vector<std::string> marian_words(const std::string& path, std::int64_t rows) {
  std::vector<std::string> words = read_yaml_vocabulary(small_file(path), path);
  if (std::ssize(words) != rows - 1)
    throw ModelError(
        fmt::format("{}: has {} words, but the model {}.", path, words.size(), rows - 1));
  words.push_back(kBeginPiece);
  return words;
}

/// decoder.yml says how the folder is meant to be used.
DecodingOptions marian_decoding(const std::string& folder) {
  DecodingOptions decoding;
  decoding.length_normalization = LengthNormalization::average;
  decoding.max_length_ratio = 1000.0;
  decoding.max_length = 512;
  const std::string path = (std::filesystem::path(folder) / "decoder.yml").string();
  if (!std::filesystem::exists(path)) return decoding;
  const MarianSettings settings(small_file(path), path);
  decoding.beam_size = static_cast<std::int64_t>(settings.number("beam-size", 1.0, 1024.0, 6.0));
  decoding.allow_unknown = settings.flag("allow-unk");
  const double power = settings.number("normalize", 0.0, 10.0, 0.0);
  decoding.length_alpha = power;
  decoding.length_normalization =
      power == 0.0 ? LengthNormalization::none : LengthNormalization::power;
  return decoding;
}

}  // namespace

std::string marian_weights_file(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".npz") found.push_back(entry.path().string());
  if (found.size() > 1)
    throw ModelError(
        fmt::format("{}: holds {} .npz files. Leave the one to read.", folder, found.size()));
  return found.empty() ? "" : found.front();
}

ImportedModel import_marian(const std::string& folder) {
  const std::string path = std::filesystem::is_directory(folder) ? marian_weights_file(folder) : "";
  if (path.empty())
    throw ModelError(fmt::format("{}: is no folder with an .npz file of Marian.", folder));
  auto arrays = load_npz(path);
  const auto stored = arrays.find(kConfigEntry);
  if (stored == arrays.end() || stored->second.element_size() != 1)
    throw ModelError(
        fmt::format("{}: has no {}, which says what the network is.", path, kConfigEntry));
  const at::Tensor& bytes = stored->second;
  const MarianSettings settings(std::string(static_cast<const char*>(bytes.const_data_ptr()),
                                            static_cast<std::size_t>(bytes.numel())),
                                path + ": " + kConfigEntry);
  arrays.erase(stored);
  for (auto& [name, array] : arrays)
    if (array.dim() == 2 && array.size(0) == 1) array = array.flatten();  // vectors are rows there

  ImportedModel result;
  WeightMap weights(std::move(arrays), path);
  result.model = import_marian_network(settings, weights);
  result.weights = weights.finish(result.report);
  check_sizes(result.model, result.weights, path, kConfigEntry);
  const auto file = [&](const char* name) {
    return (std::filesystem::path(folder) / name).string();
  };
  const std::string source_words = vocabulary_file(folder, "src");
  const std::string target_words = vocabulary_file(folder, "trg");
  ImportedTokenizers tokenizers =
      marian_tokenizers({.source_model = small_file(file("source.spm")),
                         .target_model = small_file(file("target.spm")),
                         .source_words = marian_words(source_words, result.model.source_vocabulary),
                         .target_words = marian_words(target_words, result.model.target_vocabulary),
                         .begin = kBeginPiece,
                         .origin = folder},
                        result.model);
  result.report.notes = std::move(tokenizers.notes);
  result.source_tokenizer = std::move(tokenizers.source);
  result.target_tokenizer = std::move(tokenizers.target);
  check_import(result, path, kConfigEntry);
  result.decoding = marian_decoding(folder);
  result.card = nlohmann::json{{"family", "marian-npz"}}.dump();
  return result;
}

}  // namespace dragoman
