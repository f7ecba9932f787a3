// What a search tells a model beside the sources.
#pragma once

#include "dragoman/inference/decoding_options.h"
#include "dragoman/inference/demands.h"
#include "dragoman/inference/models/step_model.h"
#include "dragoman/inference/search/beam_search.h"

namespace dragoman {

/// `source` with the attention that the options read and the words that the demands name.
[[nodiscard]] SourceBatch start_batch(SourceBatch source, const TargetIds& ids,
                                      const DecodingOptions& options, const SearchDemands& demands);

}  // namespace dragoman
