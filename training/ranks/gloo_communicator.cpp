#include "dragoman/training/ranks/gloo_communicator.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;
using Group = c10d::ProcessGroupGloo;

/// The address of this machine by which `host` is reached, as digits; empty: not known. Nothing is
/// sent.
std::string address_towards(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return {};
  std::string result;
  for (const addrinfo* one = found; one != nullptr && result.empty(); one = one->ai_next) {
    const int descriptor = ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, 0);
    if (descriptor < 0) continue;
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    char digits[NI_MAXHOST];
    if (::connect(descriptor, one->ai_addr, one->ai_addrlen) == 0 &&
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
        ::getnameinfo(reinterpret_cast<sockaddr*>(&own), size, digits, sizeof digits, nullptr, 0,
                      NI_NUMERICHOST) == 0)
      result = digits;
    ::close(descriptor);
  }
  ::freeaddrinfo(found);
  return result;
}

c10::intrusive_ptr<c10d::Store> make_store(const Launch& launch,
                                           std::chrono::milliseconds timeout) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(launch.port);
  options.isServer = !launch.is_hosted && launch.rank == 0;
  if (!launch.is_hosted) options.numWorkers = static_cast<std::size_t>(launch.size);
  options.timeout = timeout;
  auto store = c10::make_intrusive<c10d::TCPStore>(launch.address, options);
  return c10::make_intrusive<c10d::PrefixStore>(fmt::format("dragoman/{}", launch.restarts),
                                                std::move(store));
}

c10::intrusive_ptr<Group> make_group(const Launch& launch,
                                     const c10::intrusive_ptr<c10d::Store>& store,
                                     std::chrono::milliseconds timeout) {
  auto options = Group::Options::create(timeout);
  const std::string own =
      launch.interface.empty() ? address_towards(launch.address, launch.port) : std::string();
  if (!launch.interface.empty()) {
    options->devices.push_back(Group::createDeviceForInterface(launch.interface));
  } else if (!own.empty()) {
    options->devices.push_back(Group::createDeviceForHostname(own));
  } else {
    options->devices.push_back(Group::createDefaultDevice());
  }
  return c10::make_intrusive<Group>(store, launch.rank, launch.size, options);
}

/// What Gloo says, without its source file in front and its general advice behind.
std::string reason_of(const std::exception& error) {
  std::string text = error.what();
  text = text.substr(0, std::min(text.find('\n'), text.find(". This is typically")));
  const std::size_t place = text.find("] ");
  if (text.starts_with('[') && place != std::string::npos) text.erase(0, place + 2);
  while (text.ends_with('.'))
    text.pop_back();
  return text;
}

class GlooCommunicator final : public Communicator {
 public:
  GlooCommunicator(const Launch& launch, double timeout)
      : rank_(launch.rank), size_(launch.size), timeout_(timeout) {
    const std::chrono::milliseconds limit(static_cast<std::int64_t>(1000.0 * timeout));
    try {
      store_ = make_store(launch, limit);
      group_ = make_group(launch, store_, limit);
    } catch (const std::exception& error) {
      throw SystemError(fmt::format(
          "rank {} of {}: the other ranks were not met at {}:{} within {:g} s "
          "(training.communication_timeout): {}. Start all ranks, and see that MASTER_ADDR and "
          "MASTER_PORT name a machine and a free port that all of them reach.",
          rank_, size_, launch.address, launch.port, timeout, reason_of(error)));
    }
  }

  ~GlooCommunicator() override {
    // After a failure the group's threads still wait for ranks that are gone, and its destructor
    // would wait for them.
    if (has_failed_) static_cast<void>(group_.release());
  }

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  [[nodiscard]] double seconds_waited() const override { return waited_; }

  [[nodiscard]] std::unique_ptr<Sum> start_sum(const at::Tensor& tensor) override {
    TORCH_CHECK(tensor.is_cpu() && tensor.is_contiguous(), "sums are of contiguous CPU tensors");
    c10::intrusive_ptr<c10d::Work> work;
    guarded([&] {
      std::vector<at::Tensor> tensors{tensor};
      work = group_->allreduce(tensors);
    });
    return std::make_unique<GlooSum>(*this, std::move(work));
  }

  void broadcast(const at::Tensor& tensor) override {
    TORCH_CHECK(tensor.is_cpu() && tensor.is_contiguous(), "only contiguous CPU tensors are sent");
    guarded([&] {
      std::vector<at::Tensor> tensors{tensor};
      group_->broadcast(tensors)->wait();
    });
  }

 private:
  class GlooSum final : public Sum {
   public:
    GlooSum(GlooCommunicator& owner, c10::intrusive_ptr<c10d::Work> work)
        : owner_(owner), work_(std::move(work)) {}
    void wait() override {
      owner_.guarded([this] { work_->wait(); });
    }

   private:
    GlooCommunicator& owner_;
    c10::intrusive_ptr<c10d::Work> work_;
  };

  /// Measures the time of `call` and says in our words what goes wrong.
  template <typename Call>
  void guarded(const Call& call) {
    const auto begun = Clock::now();
    try {
      call();
    } catch (const std::exception& error) {
      has_failed_ = true;
      throw SystemError(fmt::format(
          "rank {} of {}: another rank ended, hangs or cannot be reached "
          "(training.communication_timeout: {:g} s): {}. Look at the messages of the other ranks; "
          "when the reason is mended, go on with --resume.",
          rank_, size_, timeout_, reason_of(error)));
    }
    waited_ += std::chrono::duration<double>(Clock::now() - begun).count();
  }

  int rank_;
  int size_;
  double timeout_;
  double waited_ = 0.0;
  bool has_failed_ = false;
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<Group> group_;
};

}  // namespace

std::unique_ptr<Communicator> connect_ranks(const Launch& launch, double timeout) {
  return std::make_unique<GlooCommunicator>(launch, timeout);
}

}  // namespace dragoman
