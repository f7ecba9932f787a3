// The pages of apps/pages, compiled in.
#pragma once

#include <string_view>

namespace dragoman {

extern const std::string_view kAttentionPage;

}  // namespace dragoman
