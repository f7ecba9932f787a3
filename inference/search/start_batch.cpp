#include "dragoman/inference/search/start_batch.h"

namespace dragoman {

SourceBatch start_batch(SourceBatch source, const TargetIds& ids, const DecodingOptions& options,
                        const SearchDemands& demands) {
  if (options.coverage_penalty > 0.0) source.attention_layer = options.attention_layer;
  for (std::int64_t sentence = 0; sentence < source.ids.size(0); ++sentence) {
    std::vector<std::int64_t>& needed = source.needed.emplace_back();
    needed.push_back(ids.end);
    if (options.allow_unknown) needed.push_back(ids.unknown);
    const SentenceDemands& asked = demands.of(sentence);
    needed.insert(needed.end(), asked.prefix.begin(), asked.prefix.end());
    for (const auto& phrase : asked.phrases)
      needed.insert(needed.end(), phrase.begin(), phrase.end());
  }
  return source;
}

}  // namespace dragoman
