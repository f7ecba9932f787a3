// One attention record as a page for a browser: one file that needs no other.
#pragma once

#include <string>

#include "dragoman/inference/attention_record.h"

namespace dragoman {

/// `title` is shown above; usually the model's path.
[[nodiscard]] std::string attention_page(const AttentionRecord& record, const std::string& title);

}  // namespace dragoman
