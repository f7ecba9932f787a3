// The pages of apps/pages, compiled in.
#pragma once

#include <string_view>

namespace dragoman {

extern const std::string_view kAttentionPage;
extern const std::string_view kReportPage;

}  // namespace dragoman
