#include "dragoman/training/signals.h"

#include <csignal>

#include <array>
#include <cstddef>

namespace dragoman {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM};

// A signal handler can reach nothing else.
volatile std::sig_atomic_t raised = 0;

struct FormerHandlers {
  std::array<struct sigaction, kSignals.size()> actions;
};
FormerHandlers former;

extern "C" void dragoman_remember_signal(int signal) {
  if (raised != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  raised = 1;
}

}  // namespace

SignalGuard::SignalGuard() {
  raised = 0;
  struct sigaction action {};
  action.sa_handler = dragoman_remember_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t index = 0; index < kSignals.size(); ++index)
    sigaction(kSignals[index], &action, &former.actions[index]);
}

SignalGuard::~SignalGuard() {
  for (std::size_t index = 0; index < kSignals.size(); ++index)
    sigaction(kSignals[index], &former.actions[index], nullptr);
}

bool SignalGuard::is_raised() const {
  return raised != 0;
}

}  // namespace dragoman
