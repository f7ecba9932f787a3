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

/// A batch for each rank, of which this rank collates its own.
struct Round {
  StreamedBatch streamed;
  FilterCounts counts;     ///< of the chunks that begin in it
  std::int64_t dealt = 0;  ///< batches so far
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
        chunks(config, std::move(encoder)),
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
  std::int64_t cut_epochs = 0;     ///< 0: no round is cut
  Round round;                     ///< that is being dealt out
  StreamPosition position;         ///< after the last batch that was dealt out
  std::optional<std::int64_t> undecided_epoch;  ///< of the last chunk, if another may follow in it
  FilterCounts counts;
  BoundedQueue<Round> queue;
  std::stop_source stop;
  std::optional<std::jthread> producer;  ///< last: it ends before the rest goes

  [[nodiscard]] std::future<Chunk> build() {
    return std::async(std::launch::async, [this] { return chunks.next(stop.get_token()); });
  }

  void produce() {
    try {
      std::int64_t taken = batches_taken;
      for (auto next = build();;) {
        const Chunk chunk = take(next);
        if (stop.stop_requested()) return;
        next = build();
        // Only now is it known what the chunk before was the end of.
        if (undecided_epoch && *undecided_epoch != chunk.start.epoch) end_epoch(*undecided_epoch);
        undecided_epoch.reset();
        if (round.dealt == world_size && !push_round()) return;
        if (!deal(chunk, std::exchange(taken, 0))) return;
      }
    } catch (...) {
      queue.fail(std::current_exception());
    }
  }

  /// What was read before an error is still delivered.
  Chunk take(std::future<Chunk>& next) {
    try {
      return next.get();
    } catch (...) {
      if (round.dealt == world_size) push_round();
      throw;
    }
  }

  bool deal(const Chunk& chunk, std::int64_t taken) {
    const std::int64_t count = std::ssize(chunk.plan.batches);
    if (taken < count) round.counts.add(chunk.counts);
    for (std::int64_t index = taken; index < count; ++index) {
      if (round.dealt == rank) {
        round.streamed.batch =
            collate(chunk.examples(static_cast<std::size_t>(index)), ids, pin_memory);
        round.streamed.epoch = chunk.start.epoch;
      }
      ++round.dealt;
      position = chunk.start;
      position.batches = index + 1;
      const bool is_last = index + 1 == count;
      if (is_last && chunk.is_last) {
        end_epoch(chunk.start.epoch);
      } else if (is_last) {
        undecided_epoch = chunk.start.epoch;
        return true;  // a complete round waits, too
      }
      if (round.dealt == world_size && !push_round()) return false;
    }
    return true;
  }

  void end_epoch(std::int64_t epoch) {
    if (round.streamed.ends_epoch)
      throw DataError(
          fmt::format("training corpora: an epoch has fewer batches than there are ranks ({}). Use "
                      "fewer ranks, more data, or a smaller data.batch_tokens.",
                      world_size));
    round.streamed.ends_epoch = true;
    if (epoch + 1 == cut_epochs) round.dealt = world_size;
  }

  bool push_round() {
    round.streamed.position = to_text(position, chunks.identity());
    return queue.push(std::exchange(round, {}));
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

void BatchStream::cut_round_after(std::int64_t epochs) {
  state_->cut_epochs = epochs;
}

StreamedBatch BatchStream::next() {
  if (!state_->producer) {
    state_->producer.emplace([state = state_.get()] { state->produce(); });
  }
  Round round = state_->queue.pop();
  state_->counts.add(round.counts);
  return std::move(round.streamed);
}

const std::vector<CorpusShare>& BatchStream::shares() const {
  return state_->shares;
}

FilterCounts BatchStream::counts() const {
  return state_->counts;
}

}  // namespace dragoman
