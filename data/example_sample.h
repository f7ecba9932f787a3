// Some pairs of the training corpora, encoded, to try things out on.
#pragma once

#include <cstddef>
#include <vector>

#include "dragoman/data/batch.h"
#include "dragoman/data/data_config.h"
#include "dragoman/data/pair_encoder.h"

namespace dragoman {

/// The first pairs of the corpora that pass the filters, equally many of each, `limit` in all at
/// most. Corpora of weight 0 are left out. Throws DataError, also when there is no such pair.
[[nodiscard]] std::vector<Example> first_examples(const DataConfig& config,
                                                  const PairEncoder& encoder, std::size_t limit);

}  // namespace dragoman
