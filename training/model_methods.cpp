#include "dragoman/training/model_methods.h"

#include <vector>

#include "dragoman/data/config.h"
#include "dragoman/data/tokenizer.h"
#include "dragoman/modules/transformer_script.h"

namespace dragoman {

std::map<std::string, std::string> model_methods(const Archive& model, const std::string& path) {
  const auto config = model.files.find("config.json");
  const auto source = model.files.find("source.spm");
  if (config == model.files.end() || source == model.files.end()) return {};
  const auto target = model.files.find("target.spm");
  const std::string where = path + ": config.json";
  std::vector<std::string> ignored;
  const auto network = parse_stored_config<ModelConfig>(
      config_section(config->second, "model", where), where + ": model", {}, ignored);
  if (network.architecture != Architecture::transformer) return {};
  ScriptVocabulary vocabulary{.is_joint = target == model.files.end()};
  if (network.copy_head.enabled)
    vocabulary.unknown =
        Tokenizer::from_bytes(vocabulary.is_joint ? source->second : target->second,
                              path + ": tokeniser")
            .unknown_id();
  return transformer_script(network, model.tensors, vocabulary);
}

}  // namespace dragoman
