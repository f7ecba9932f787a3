// A model folder as Hugging Face's libraries write it: settings in JSON, weights in safetensors or
// torch checkpoints of one or several files.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "dragoman/inference/models/import/settings.h"

namespace dragoman {

class ForeignFolder {
 public:
  /// Reads config.json. Throws ModelError.
  explicit ForeignFolder(std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool has(const std::string& name) const;
  /// The path of a file in it.
  [[nodiscard]] std::string file(const std::string& name) const;
  [[nodiscard]] const Settings& config() const { return config_; }
  /// generation_config.json, or where there is none config.json.
  [[nodiscard]] const Settings& generation() const { return generation_; }
  [[nodiscard]] const Settings& tokenizer() const { return tokenizer_; }

  /// Every tensor by name, from model.safetensors or pytorch_model.bin, or the parts that an
  /// index names. Throws ModelError, also for a tensor that two parts hold.
  [[nodiscard]] std::map<std::string, at::Tensor> load_weights() const;
  /// The content of the first of these files that there is. Throws ModelError: none, or larger than
  /// a tokeniser is.
  [[nodiscard]] std::string tokenizer_file(const std::string& name) const;

 private:
  [[nodiscard]] std::map<std::string, at::Tensor> load_parts(const std::string& index) const;

  std::string path_;
  Settings config_;
  Settings generation_;
  Settings tokenizer_;
};

}  // namespace dragoman
