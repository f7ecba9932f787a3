// A random sample of the lines of the training corpora, to train a tokeniser on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dragoman/data/data_config.h"

namespace dragoman {

enum class Side { source, target };

/// At most `limit` non-empty lines of one side of `corpora`, each line equally likely (reservoir
/// sampling, seeded), in corpus order. Corpora of weight 0 are left out. Throws DataError.
[[nodiscard]] std::vector<std::string> sample_lines(const std::vector<CorpusConfig>& corpora,
                                                    Side side, std::int64_t limit,
                                                    std::uint64_t seed, InvalidText invalid_text);

}  // namespace dragoman
