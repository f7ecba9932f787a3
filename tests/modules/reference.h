// Cases for the reference implementations in Python: configurations, weights and batches as
// dictionaries, and what Python answers.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/jit/serialization/pickle.h>

#include <string>
#include <vector>

#include "dragoman/modules/weights.h"
#include "tests/modules/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

namespace dragoman_test {

using Dict = c10::impl::GenericDict;

inline Dict empty_dict() {
  return Dict(c10::StringType::get(), c10::AnyType::get());
}

template <class Enum>
std::string enum_name(Enum value) {
  for (const auto& [name, member] : names(Enum{}))
    if (member == value) return std::string(name);
  return "?";
}

inline Dict config_dict(const dragoman::ModelConfig& config, double label_smoothing) {
  Dict dict = empty_dict();
  dict.insert("norm", enum_name(config.norm));
  dict.insert("norm_type", enum_name(config.norm_type));
  dict.insert("activation", enum_name(config.activation));
  dict.insert("gated_feed_forward", config.gated_feed_forward);
  dict.insert("linear_bias", config.linear_bias);
  dict.insert("scale_attention", config.scale_attention);
  dict.insert("position_offset", config.position_offset);
  dict.insert("relative_distance", config.relative_distance);
  dict.insert("embedding_norm", config.embedding_norm);
  dict.insert("output_scale", config.output_scale);
  dict.insert("positions", enum_name(config.used_positions()));
  dict.insert("tied_embeddings", enum_name(config.tied_embeddings));
  dict.insert("scale_embeddings", config.scale_embeddings);
  dict.insert("output_bias", config.output_bias);
  dict.insert("norm_epsilon", config.norm_epsilon);
  dict.insert("label_smoothing", label_smoothing);
  dict.insert("encoder_layers", config.encoder.layers);
  dict.insert("decoder_layers", config.decoder.layers);
  dict.insert("encoder_heads", config.encoder.heads);
  dict.insert("decoder_heads", config.decoder.heads);
  return dict;
}

inline Dict weights_dict(const dragoman::Transformer& model) {
  Dict weights = empty_dict();
  for (const auto& [name, value] : dragoman::named_weights(*model))
    weights.insert(name, value.clone());
  return weights;
}

/// What `script`, a file beside this one, makes of each case.
inline std::vector<Dict> python_results(const std::string& script, const std::vector<Dict>& cases) {
  c10::List<c10::IValue> values(c10::AnyType::get());
  for (const Dict& item : cases)
    values.push_back(item);
  const TemporaryFolder folder;
  const std::vector<char> bytes = torch::jit::pickle_save(values);
  folder.write("cases.pt", std::string(bytes.begin(), bytes.end()));
  REQUIRE(run_python(DRAGOMAN_SOURCE_DIR "/tests/modules/" + script,
                     folder.path("cases.pt") + " " + folder.path("results.pt")) == 0);
  const std::string answer = folder.read("results.pt");
  std::vector<Dict> results;
  const c10::IValue loaded = torch::jit::pickle_load({answer.begin(), answer.end()});
  for (const c10::IValue& value : loaded.toListRef())
    results.push_back(value.toGenericDict());
  REQUIRE(results.size() == cases.size());
  return results;
}

}  // namespace dragoman_test
