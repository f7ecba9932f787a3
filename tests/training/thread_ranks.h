// Ranks as threads of the test, which add up in memory: what does not need a network.
#pragma once

#include <ATen/ATen.h>

#include <barrier>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "dragoman/training/ranks/communicator.h"

namespace dragoman_test {

class ThreadRanks {
 public:
  explicit ThreadRanks(int size) : tensors_(static_cast<std::size_t>(size)), barrier_(size) {}

  /// Runs `work` as every rank; rethrows the first error of the lowest rank.
  static void run(int size, const std::function<void(dragoman::Communicator&)>& work) {
    ThreadRanks ranks(size);
    std::vector<std::exception_ptr> errors(static_cast<std::size_t>(size));
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < size; ++rank)
      threads.emplace_back([&ranks, &work, &errors, rank] {
        Member member(ranks, rank);
        try {
          work(member);
        } catch (...) {
          errors[static_cast<std::size_t>(rank)] = std::current_exception();
        }
      });
    threads.clear();
    for (const auto& error : errors)
      if (error) std::rethrow_exception(error);
  }

 private:
  class Member final : public dragoman::Communicator {
   public:
    Member(ThreadRanks& ranks, int rank) : ranks_(ranks), rank_(rank) {}
    [[nodiscard]] int rank() const override { return rank_; }
    [[nodiscard]] int size() const override { return static_cast<int>(ranks_.tensors_.size()); }
    [[nodiscard]] std::unique_ptr<Transfer> start_sum(const at::Tensor& tensor) override {
      return std::make_unique<LateSum>(*this, tensor);
    }
    [[nodiscard]] std::unique_ptr<Transfer> start_collection(const at::Tensor& mine,
                                                             const at::Tensor& all) override {
      return std::make_unique<LateCollection>(*this, mine, all);
    }
    void broadcast(const at::Tensor& tensor) override {
      const at::Tensor first = meet(tensor).front();
      if (rank_ > 0) tensor.copy_(first);
      ranks_.barrier_.arrive_and_wait();
    }
    [[nodiscard]] double seconds_waited() const override { return 0.0; }
    [[nodiscard]] double bytes_sent() const override { return 0.0; }

   private:
    /// Adds up when it is waited for.
    struct LateSum final : Transfer {
      LateSum(Member& owner, at::Tensor own) : member(owner), tensor(std::move(own)) {}
      void wait() override {
        const auto all = member.meet(tensor);
        at::Tensor sum = all.front().clone();
        for (std::size_t rank = 1; rank < all.size(); ++rank)
          sum += all[rank];
        member.ranks_.barrier_.arrive_and_wait();
        tensor.copy_(sum);
      }
      Member& member;
      at::Tensor tensor;
    };

    struct LateCollection final : Transfer {
      LateCollection(Member& owner, at::Tensor own, at::Tensor target)
          : member(owner), mine(std::move(own)), all(std::move(target)) {}
      void wait() override {
        const auto parts = member.meet(mine);
        all.copy_(at::cat(parts));
        member.ranks_.barrier_.arrive_and_wait();
      }
      Member& member;
      at::Tensor mine, all;
    };

    std::vector<at::Tensor> meet(const at::Tensor& tensor) {
      ranks_.tensors_[static_cast<std::size_t>(rank_)] = tensor;
      ranks_.barrier_.arrive_and_wait();
      std::vector<at::Tensor> all = ranks_.tensors_;
      ranks_.barrier_.arrive_and_wait();
      return all;
    }

    ThreadRanks& ranks_;
    int rank_;
  };

  std::vector<at::Tensor> tensors_;
  std::barrier<> barrier_;
};

}  // namespace dragoman_test
