// Requests that wait, and which of them make the next batch. Plain data without threads or clocks:
// the time is an argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dragoman/inference/request_options.h"
#include "dragoman/inference/service/scheduled_request.h"

namespace dragoman {

using RequestBatch = std::vector<std::shared_ptr<ScheduledRequest>>;

class RequestQueue {
 public:
  /// `batch_size`: requests in a batch, at most.
  RequestQueue(const QueueOptions& options, std::int64_t batch_size)
      : options_(options), batch_size_(batch_size) {}

  void add(std::shared_ptr<ScheduledRequest> request, SteadyTime now);
  /// False: it is not here.
  bool remove(const ScheduledRequest& request);
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] bool is_full() const;

  /// When the next batch should begin: now, or later if company may still come. Not for an empty
  /// queue.
  [[nodiscard]] SteadyTime due(SteadyTime now) const;
  /// The next batch. Its first request is the oldest of the highest priority, where waiting raises
  /// the priority, so that each comes first some time. Those of its kind with the nearest lengths
  /// come along as far as the limits allow. Empty for an empty queue.
  [[nodiscard]] RequestBatch take(SteadyTime now);
  [[nodiscard]] RequestBatch take_all();

 private:
  struct Entry {
    std::shared_ptr<ScheduledRequest> request;
    SteadyTime arrived;
  };
  struct Selection {
    std::vector<std::size_t> places;  ///< in waiting_; the first request first
    bool is_full = false;             ///< no further request would change it much
  };
  [[nodiscard]] std::size_t first(SteadyTime now) const;
  [[nodiscard]] Selection select(SteadyTime now) const;

  QueueOptions options_;
  std::int64_t batch_size_;
  std::vector<Entry> waiting_;  ///< in the order of arrival
};

}  // namespace dragoman
