// A random sample of the lines of the training corpora, to train a tokeniser on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dragoman/data/data_config.h"
#include "dragoman/data/side.h"

namespace dragoman {

/// At most `limit` non-empty lines of one side of `corpora`, each line equally likely (reservoir
/// sampling, seeded), in corpus order. Corpora of weight 0 are left out. Throws DataError, also
/// when there is no text.
[[nodiscard]] std::vector<std::string> sample_lines(const std::vector<CorpusConfig>& corpora,
                                                    Side side, std::int64_t limit,
                                                    std::uint64_t seed, InvalidText invalid_text);

/// Throws DataError, with the names of `files` and what was read of them, when none of the sampled
/// `lines` has a character other than blanks. `empty` of the `read` lines had none at all.
void require_text(const std::vector<std::string>& lines, const std::vector<std::string>& files,
                  std::int64_t read, std::int64_t empty);

}  // namespace dragoman
