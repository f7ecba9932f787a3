// Sums gradients over the ranks while backward still runs. Gradients are put together in buckets of
// some megabytes, in the order in which backward reaches them (from the head to the embeddings);
// a bucket is sent as soon as it is complete. Under GradientCompression::bf16 gradients are rounded
// to bfloat16 and so are sums, once for each rank: n ranks err by less than n 2^-8 of the sum of
// the absolute values. All ranks have the same bits.
//
//   sync.arm();                   // before the last backward pass of an update
//   loss.backward();
//   figures = sync.finish(figures);
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dragoman/training/optimizer.h"
#include "dragoman/training/ranks/communicator.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

class GradientSync {
 public:
  static constexpr std::int64_t kBucketBytes = 8 << 20;

  /// For those of `parameters` that are trained; they must outlive it.
  GradientSync(std::span<const Optimizer::Parameter> parameters, Communicator& communicator,
               GradientCompression compression = GradientCompression::none,
               std::int64_t bucket_bytes = kBucketBytes);
  ~GradientSync();
  GradientSync(const GradientSync&) = delete;
  GradientSync& operator=(const GradientSync&) = delete;

  /// The next backward pass completes the gradients of this rank, which may be sent. A rank without
  /// a pass calls only `finish`.
  void arm();
  /// Sends the rest and waits for all. Afterwards each gradient is the sum over the ranks; those
  /// that have none count as zeros, and where no rank has one there is none. Returns the sums of
  /// `figures`, [N] double, on the CPU or where they are. Throws SystemError as Communicator::sum.
  [[nodiscard]] at::Tensor finish(const at::Tensor& figures);

 private:
  struct Hook;
  struct Member {
    at::Tensor parameter;
    at::Tensor part;  ///< of the bucket, shaped as the parameter
    std::size_t bucket = 0;
    bool is_there = false;  ///< its gradient, in this update
  };
  struct Bucket {
    at::Tensor flat;  ///< [n], float or bfloat16, of a device that the communicator takes
    std::vector<std::size_t> members;
    std::size_t missing = 0;
    std::unique_ptr<Communicator::Transfer> sum;
  };

  void add(std::size_t member);  ///< its gradient is complete
  void send(Bucket& bucket);

  Communicator& communicator_;
  std::vector<Member> members_;
  std::vector<Bucket> buckets_;
  std::size_t next_ = 0;  ///< the bucket to be sent; all ranks send them in order
  bool is_armed_ = false;
};

}  // namespace dragoman
