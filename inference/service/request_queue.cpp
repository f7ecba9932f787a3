#include "dragoman/inference/service/request_queue.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace dragoman {

void RequestQueue::add(std::shared_ptr<ScheduledRequest> request, SteadyTime now) {
  waiting_.push_back({std::move(request), now});
}

bool RequestQueue::remove(const ScheduledRequest& request) {
  return std::erase_if(waiting_, [&request](const Entry& entry) {
           return entry.request.get() == &request;
         }) > 0;
}

bool RequestQueue::is_full() const {
  return static_cast<std::int64_t>(waiting_.size()) >= options_.capacity;
}

SteadyTime RequestQueue::due(SteadyTime now) const {
  if (options_.max_wait_ms == 0) return now;
  const Selection selection = select(now);
  if (selection.is_full) return now;
  const Entry& entry = waiting_[selection.places.front()];
  const SteadyTime begin = entry.arrived + std::chrono::milliseconds(options_.max_wait_ms);
  // Who has no time to wait for company gets none.
  return entry.request->traits().deadline <= begin ? now : std::max(begin, now);
}

RequestBatch RequestQueue::take(SteadyTime now) {
  RequestBatch batch;
  if (waiting_.empty()) return batch;
  for (const std::size_t place : select(now).places)
    batch.push_back(std::move(waiting_[place].request));
  std::erase_if(waiting_, [](const Entry& entry) { return entry.request == nullptr; });
  return batch;
}

RequestBatch RequestQueue::take_all() {
  RequestBatch all;
  for (Entry& entry : waiting_)
    all.push_back(std::move(entry.request));
  waiting_.clear();
  return all;
}

std::size_t RequestQueue::first(SteadyTime now) const {
  const std::chrono::milliseconds level(options_.aging_ms);
  const auto priority = [&](const Entry& entry) {
    return entry.request->traits().priority + (now - entry.arrived) / level;
  };
  const auto entry = std::ranges::max_element(waiting_, {}, priority);  // of equals the oldest
  return static_cast<std::size_t>(entry - waiting_.begin());
}

RequestQueue::Selection RequestQueue::select(SteadyTime now) const {
  const std::size_t seed = first(now);
  const RequestTraits& wanted = waiting_[seed].request->traits();
  std::vector<std::pair<std::int64_t, std::size_t>> company;  // distance in length, place
  for (std::size_t place = 0; place < waiting_.size(); ++place) {
    const RequestTraits& traits = waiting_[place].request->traits();
    if (place != seed && traits.kind == wanted.kind)
      company.emplace_back(std::abs(traits.length - wanted.length), place);
  }
  std::ranges::sort(company);
  Selection selection{{seed}, false};
  std::int64_t longest = wanted.length;
  for (const auto& [distance, place] : company) {
    const auto rows = static_cast<std::int64_t>(selection.places.size()) + 1;
    if (rows > batch_size_) break;
    const std::int64_t length = waiting_[place].request->traits().length;
    if (rows * std::max(longest, length) > options_.batch_tokens) {
      selection.is_full = true;  // shorter ones may still fit
      continue;
    }
    longest = std::max(longest, length);
    selection.places.push_back(place);
  }
  const auto rows = static_cast<std::int64_t>(selection.places.size());
  // Not even one more of the shortest kind.
  selection.is_full |= rows >= batch_size_ || (rows + 1) * longest > options_.batch_tokens;
  return selection;
}

}  // namespace dragoman
