#include "dragoman/data/batch_stream.h"

#include <fmt/core.h>

#include <exception>
#include <future>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "dragoman/data/bounded_queue.h"
#include "dragoman/data/chunk_source.h"
#include "dragoman/data/error.h"

namespace dragoman {

namespace {

struct Prefetched {
  StreamedBatch streamed;
  FilterCounts counts;  ///< of the chunk that begins with this batch
};

std::int64_t checked_rank(std::int64_t rank, std::int64_t world_size) {
  if (world_size < 1)
    throw UsageError(fmt::format("world_size: is {}, must be 1 or more.", world_size));
  if (rank < 0 || rank >= world_size)
    throw UsageError(
        fmt::format("rank: is {}, must be 0 to {}, since world_size is {}. Give each process a "
                    "rank of its own.",
                    rank, world_size - 1, world_size));
  return rank;
}

}  // namespace

/// Two threads: one builds the next chunk, one collates batches of the present chunk into the
/// queue.
struct BatchStream::State {
  State(const DataConfig& config, PairEncoder encoder, std::int64_t rank_number,
        std::int64_t world_size_number, bool pin)
      : ids(encoder.special_ids()),
        rank(checked_rank(rank_number, world_size_number)),
        world_size(world_size_number),
        pin_memory(pin),
        chunks(config, std::move(encoder), world_size_number),
        shares(chunks.shares()),
        queue(static_cast<std::size_t>(config.prefetch_batches)) {}

  ~State() {
    stop.request_stop();
    queue.close();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const SpecialIds ids;
  const std::int64_t rank;
  const std::int64_t world_size;
  const bool pin_memory;
  ChunkSource chunks;  ///< used by one `build` at a time
  const std::vector<CorpusShare> shares;
  std::int64_t batches_taken = 0;  ///< of the first chunk, by the position that was sought
  FilterCounts counts;
  BoundedQueue<Prefetched> queue;
  std::stop_source stop;
  std::optional<std::jthread> producer;  ///< last: it ends before the rest goes

  [[nodiscard]] std::future<Chunk> build() {
    return std::async(std::launch::async, [this] { return chunks.next(stop.get_token()); });
  }

  void produce() {
    try {
      std::optional<Prefetched> held;  // the last batch of a chunk, until it is known what follows
      std::int64_t taken = batches_taken;
      for (auto next = build();;) {
        const Chunk chunk = take(next, held);
        if (stop.stop_requested()) return;
        next = build();
        if (held) {
          held->streamed.ends_epoch = held->streamed.epoch != chunk.start.epoch;
          if (!queue.push(*std::exchange(held, std::nullopt))) return;
        }
        if (!push_batches(chunk, std::exchange(taken, 0), held)) return;
      }
    } catch (...) {
      queue.fail(std::current_exception());
    }
  }

  /// What was read before an error is still delivered.
  Chunk take(std::future<Chunk>& next, std::optional<Prefetched>& held) {
    try {
      return next.get();
    } catch (...) {
      if (held) queue.push(*std::exchange(held, std::nullopt));
      throw;
    }
  }

  bool push_batches(const Chunk& chunk, std::int64_t taken, std::optional<Prefetched>& held) {
    const std::int64_t rounds = std::ssize(chunk.plan.batches) / world_size;
    FilterCounts counts_of_chunk = chunk.counts;
    for (std::int64_t round = taken; round < rounds; ++round) {
      StreamPosition position = chunk.start;
      position.batches = round + 1;
      const auto index = static_cast<std::size_t>(round * world_size + rank);
      const bool is_last = round + 1 == rounds;
      Prefetched item{{.batch = collate(chunk.examples(index), ids, pin_memory),
                       .epoch = chunk.start.epoch,
                       .position = to_text(position, chunks.identity()),
                       .ends_epoch = is_last && chunk.is_last},
                      std::exchange(counts_of_chunk, {})};
      if (is_last && !chunk.is_last) {
        held = std::move(item);
      } else if (!queue.push(std::move(item))) {
        return false;
      }
    }
    return true;
  }
};

BatchStream::BatchStream(const DataConfig& config, PairEncoder encoder, std::int64_t rank,
                         std::int64_t world_size, bool pin_memory)
    : state_(std::make_unique<State>(config, std::move(encoder), rank, world_size, pin_memory)) {}

BatchStream::~BatchStream() = default;

void BatchStream::seek(const std::string& position) {
  if (state_->producer) throw UsageError("data position: cannot be set once batches were taken.");
  const StreamPosition parsed = parse_position(position, state_->chunks.identity());
  state_->chunks.seek(parsed);
  state_->batches_taken = parsed.batches;
}

StreamedBatch BatchStream::next() {
  if (!state_->producer) {
    state_->producer.emplace([state = state_.get()] { state->produce(); });
  }
  Prefetched item = state_->queue.pop();
  state_->counts.add(item.counts);
  return std::move(item.streamed);
}

const std::vector<CorpusShare>& BatchStream::shares() const {
  return state_->shares;
}

FilterCounts BatchStream::counts() const {
  return state_->counts;
}

}  // namespace dragoman
