#include "dragoman/training/stop_reason.h"

namespace dragoman {

std::string_view name(StopReason reason) {
  switch (reason) {
    case StopReason::max_steps:
      return "max_steps";
    case StopReason::max_epochs:
      return "max_epochs";
    case StopReason::max_minutes:
      return "max_minutes";
    case StopReason::time_budget:
      return "time_budget";
    case StopReason::patience:
      return "patience";
    case StopReason::interrupted:
      return "interrupted";
  }
  return {};
}

}  // namespace dragoman
