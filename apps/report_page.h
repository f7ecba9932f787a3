// Runs as a page for a browser: one file that needs no other.
#pragma once

#include <span>
#include <string>

#include "apps/run_history.h"

namespace dragoman {

/// `now`: seconds since 1970, shown as the page's date; also what decides which runs still run.
[[nodiscard]] std::string report_page(std::span<const RunHistory> runs, double now);

}  // namespace dragoman
