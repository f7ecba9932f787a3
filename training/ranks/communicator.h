// What the ranks of a run say to each other: sums, broadcasts and collections of tensors. Every
// rank makes the same calls in the same order. Collectives for anything but tensors:
// training/ranks/collectives.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

namespace dragoman {

class Communicator {
 public:
  /// Something that is under way.
  class Transfer {
   public:
    virtual ~Transfer() = default;
    /// Returns when the result is there; on a device, for what is queued on it from now on. Throws
    /// as `sum`.
    virtual void wait() = 0;
  };

  virtual ~Communicator() = default;

  [[nodiscard]] virtual int rank() const = 0;  ///< 0 to size() - 1
  [[nodiscard]] virtual int size() const = 0;
  [[nodiscard]] bool is_first() const { return rank() == 0; }

  /// Whether tensors of `device` may be summed and collected. Those of the CPU always may.
  [[nodiscard]] virtual bool takes(at::Device device) const { return device.is_cpu(); }

  /// Begins to add up `tensor`, contiguous and of a device that it takes, over all ranks, in place.
  /// The result has the same bits on all of them.
  [[nodiscard]] virtual std::unique_ptr<Transfer> start_sum(const at::Tensor& tensor) = 0;
  /// The same, and waits. Throws SystemError when a rank ended, or did not answer in time.
  void sum(const at::Tensor& tensor) { start_sum(tensor)->wait(); }
  /// Begins to collect `mine` [n] of every rank in `all` [size() * n], rank by rank; both
  /// contiguous and of a device that it takes.
  [[nodiscard]] virtual std::unique_ptr<Transfer> start_collection(const at::Tensor& mine,
                                                                   const at::Tensor& all) = 0;
  /// Copies `tensor` of rank 0, contiguous and on the CPU, over that of the others. Throws as
  /// `sum`.
  virtual void broadcast(const at::Tensor& tensor) = 0;

  /// Seconds that this rank has waited for others and for the network.
  [[nodiscard]] virtual double seconds_waited() const = 0;
  /// Bytes that this rank has sent for sums and collections, as a ring sends them: of n ranks
  /// 2 (n - 1) / n of each sum, n - 1 times its own part of a collection.
  [[nodiscard]] virtual double bytes_sent() const = 0;
};

}  // namespace dragoman
