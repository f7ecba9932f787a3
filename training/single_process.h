// A run of one process: nothing to say, nobody to wait for.
#pragma once

#include "dragoman/training/ranks/communicator.h"

namespace dragoman {

class SingleProcess final : public Communicator {
 public:
  [[nodiscard]] int rank() const override { return 0; }
  [[nodiscard]] int size() const override { return 1; }
  [[nodiscard]] std::unique_ptr<Transfer> start_sum(const at::Tensor&) override {
    return std::make_unique<Done>();
  }
  [[nodiscard]] std::unique_ptr<Transfer> start_collection(const at::Tensor& mine,
                                                           const at::Tensor& all) override {
    all.copy_(mine);
    return std::make_unique<Done>();
  }
  void broadcast(const at::Tensor&) override {}
  [[nodiscard]] double seconds_waited() const override { return 0.0; }
  [[nodiscard]] double bytes_sent() const override { return 0.0; }

 private:
  struct Done final : Transfer {
    void wait() override {}
  };
};

}  // namespace dragoman
