// The networks of the families: what their settings mean, and which tensor is which. Internal to
// hugging_face.cpp.
#pragma once

#include "dragoman/inference/models/import/settings.h"
#include "dragoman/inference/models/import/weight_map.h"
#include "dragoman/modules/model_config.h"

namespace dragoman {

/// marian, bart, mbart, pegasus, m2m_100: one layout (fairseq's) with different norms and
/// positions.
enum class BartFamily { marian, bart, mbart, pegasus, m2m_100 };

/// Throws ModelError for settings that have no counterpart.
[[nodiscard]] ModelConfig import_bart_network(BartFamily family, const Settings& settings,
                                              WeightMap& weights);

/// t5, mt5, and their successors of version 1.1.
[[nodiscard]] ModelConfig import_t5_network(const Settings& settings, WeightMap& weights);

/// What an OpenNMT-py checkpoint calls opt, and its tensors. `pad`: the target's padding word, -1:
/// there is none.
[[nodiscard]] ModelConfig import_opennmt_network(const Settings& settings, std::int64_t pad,
                                                 WeightMap& weights);

/// What a fairseq checkpoint calls args or cfg: model, and the tensors of its model.
[[nodiscard]] ModelConfig import_fairseq_network(const Settings& settings, WeightMap& weights);

/// The three vocabulary matrices, which the file may hold once, twice or three times.
struct VocabularyMatrices {
  std::vector<std::string> source;  ///< names that it may have, the first that there is counts
  std::vector<std::string> target;
  std::vector<std::string> output;
};
/// Takes them; which of them are one matrix.
[[nodiscard]] TiedEmbeddings take_vocabulary_matrices(const VocabularyMatrices& names,
                                                      WeightMap& weights);

/// Throws ModelError unless it is one of ours.
[[nodiscard]] Activation activation_named(const std::string& name, const Settings& settings);

}  // namespace dragoman
