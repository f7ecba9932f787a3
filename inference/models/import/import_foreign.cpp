#include "dragoman/inference/models/import/import_foreign.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/torch_checkpoint.h"
#include "dragoman/inference/models/import/fairseq.h"
#include "dragoman/inference/models/import/hugging_face.h"
#include "dragoman/inference/models/import/marian.h"
#include "dragoman/inference/models/import/name_map.h"
#include "dragoman/inference/models/import/opennmt.h"

namespace dragoman {

ImportedModel import_foreign(const std::string& path, const ImportOptions& options) {
  if (!options.names.empty()) return import_by_names(path, options);
  if (!options.config.empty()) throw UsageError("--config: is for weights alone, with --names.");
  const bool is_file = std::filesystem::is_regular_file(path);
  const bool has_tokenizers =
      !options.source_tokenizer.empty() || !options.target_tokenizer.empty();
  if (!is_file) {
    if (has_tokenizers)
      throw UsageError(
          "--source-tokenizer, --target-tokenizer: are for checkpoints. A folder holds its own.");
    const bool is_marian =
        options.family == "marian-npz" ||
        (options.family == "auto" && std::filesystem::is_directory(path) &&
         !std::filesystem::exists(path + "/config.json") && !marian_weights_file(path).empty());
    return is_marian ? import_marian(path) : import_hugging_face(path, options);
  }
  TorchCheckpoint checkpoint = load_torch_checkpoint(path, "optim");
  if (options.family == "fairseq" || (options.family == "auto" && is_fairseq(checkpoint)))
    return import_fairseq(path, std::move(checkpoint), options);
  if (!options.source_language.empty() || !options.target_language.empty())
    throw UsageError(
        "--source-language, --target-language: are for folders of models of many languages, and "
        "for checkpoints of fairseq.");
  if (options.family == "opennmt-py" || is_opennmt(checkpoint))
    return import_opennmt(path, std::move(checkpoint), options);
  throw ModelError(
      fmt::format("{}: is a checkpoint of no program that is known: OpenNMT-py's holds 'opt' and "
                  "'vocab', fairseq's 'model' and 'args' or 'cfg'. Of Hugging Face's transformers "
                  "give the folder.",
                  path));
}

}  // namespace dragoman
