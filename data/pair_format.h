// One line that holds both sides of a pair.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dragoman/data/data_config.h"

namespace dragoman {

/// "source<TAB>target". Throws DataError that begins with `where` (file:line) unless there is
/// exactly one tab.
void split_tsv(std::string_view line, const std::string& where, std::string& source,
               std::string& target);

/// {"source": "...", "target": "..."}; other keys are allowed and left alone. Escapes can spell
/// NUL: that follows `invalid_text`. Returns how many sides were repaired. Throws DataError.
std::int64_t parse_json_pair(std::string_view line, const std::string& where,
                             InvalidText invalid_text, std::string& source, std::string& target);

}  // namespace dragoman
