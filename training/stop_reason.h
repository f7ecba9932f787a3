// Why a training run ended.
#pragma once

#include <string_view>

namespace dragoman {

enum class StopReason { max_steps, max_epochs, max_minutes, time_budget, patience, interrupted };
[[nodiscard]] std::string_view name(StopReason reason);

}  // namespace dragoman
