// What the ranks of a run say to each other: sums and broadcasts of tensors. Every rank makes the
// same calls in the same order. Collectives for anything but tensors: training/ranks/collectives.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

namespace dragoman {

class Communicator {
 public:
  /// A sum that is under way.
  class Sum {
   public:
    virtual ~Sum() = default;
    /// Returns when the tensor holds the sum. Throws as `sum`.
    virtual void wait() = 0;
  };

  virtual ~Communicator() = default;

  [[nodiscard]] virtual int rank() const = 0;  ///< 0 to size() - 1
  [[nodiscard]] virtual int size() const = 0;
  [[nodiscard]] bool is_first() const { return rank() == 0; }

  /// Begins to add up `tensor`, contiguous and on the CPU, over all ranks, in place. The result has
  /// the same bits on all of them.
  [[nodiscard]] virtual std::unique_ptr<Sum> start_sum(const at::Tensor& tensor) = 0;
  /// The same, and waits. Throws SystemError when a rank ended, or did not answer in time.
  void sum(const at::Tensor& tensor) { start_sum(tensor)->wait(); }
  /// Copies `tensor` of rank 0, contiguous and on the CPU, over that of the others. Throws as
  /// `sum`.
  virtual void broadcast(const at::Tensor& tensor) = 0;

  /// Seconds that this rank has waited for others and for the network.
  [[nodiscard]] virtual double seconds_waited() const = 0;
};

}  // namespace dragoman
