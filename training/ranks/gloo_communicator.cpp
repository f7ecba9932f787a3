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
#include "dragoman/training/ranks/nccl_group.h"

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
      // NCCL wants a GPU for each rank, and all ranks.
      const auto gpus = static_cast<int>(at::getNumGPUs());
      if (gpus > 0 && launch.local_size <= gpus)
        device_group_ = make_nccl_group(store_, rank_, size_, limit);
      std::vector<at::Tensor> count{at::full({1}, device_group_ ? 1 : 0, at::kLong)};
      group_->allreduce(count)->wait();
      if (count.front().item<std::int64_t>() < size_) device_group_.reset();
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
    if (!has_failed_) return;
    static_cast<void>(group_.release());
    if (!device_group_) return;
    try {
      device_group_->abort();
    } catch (const std::exception&) {  // that it has failed was said
    }
  }

  [[nodiscard]] int rank() const override { return rank_; }
  [[nodiscard]] int size() const override { return size_; }
  [[nodiscard]] double seconds_waited() const override { return waited_; }

  [[nodiscard]] double bytes_sent() const override { return sent_; }
  [[nodiscard]] bool takes(at::Device device) const override {
    return device.is_cpu() || (device.is_cuda() && device_group_);
  }

  [[nodiscard]] std::unique_ptr<Transfer> start_sum(const at::Tensor& tensor) override {
    sent_ += 2.0 * (size_ - 1) / size_ * static_cast<double>(tensor.nbytes());
    return started([&] {
      std::vector<at::Tensor> tensors{tensor};
      return group_for(tensor).allreduce(tensors);
    });
  }

  [[nodiscard]] std::unique_ptr<Transfer> start_collection(const at::Tensor& mine,
                                                           const at::Tensor& all) override {
    sent_ += (size_ - 1) * static_cast<double>(mine.nbytes());
    return started([&] {
      at::Tensor from = mine, to = all;
      return group_for(mine)._allgather_base(to, from);
    });
  }

  void broadcast(const at::Tensor& tensor) override {
    TORCH_CHECK(tensor.is_cpu() && tensor.is_contiguous(), "only contiguous CPU tensors are sent");
    guarded([&] {
      std::vector<at::Tensor> tensors{tensor};
      group_->broadcast(tensors)->wait();
    });
  }

 private:
  class Work final : public Transfer {
   public:
    Work(GlooCommunicator& owner, c10::intrusive_ptr<c10d::Work> work)
        : owner_(owner), work_(std::move(work)) {}
    void wait() override {
      owner_.guarded([this] { work_->wait(); });
    }

   private:
    GlooCommunicator& owner_;
    c10::intrusive_ptr<c10d::Work> work_;
  };

  [[nodiscard]] c10d::Backend& group_for(const at::Tensor& tensor) const {
    TORCH_CHECK(takes(tensor.device()) && tensor.is_contiguous(),
                "ranks exchange contiguous tensors of a device that they can");
    if (tensor.is_cpu()) return *group_;
    return *device_group_;
  }

  template <typename Call>
  std::unique_ptr<Transfer> started(const Call& call) {
    c10::intrusive_ptr<c10d::Work> work;
    guarded([&] { work = call(); });
    return std::make_unique<Work>(*this, std::move(work));
  }

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
  double sent_ = 0.0;
  bool has_failed_ = false;
  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<Group> group_;
  c10::intrusive_ptr<c10d::Backend> device_group_;  ///< null: none
};

}  // namespace

std::unique_ptr<Communicator> connect_ranks(const Launch& launch, double timeout) {
  return std::make_unique<GlooCommunicator>(launch, timeout);
}

}  // namespace dragoman
