// What encoder and decoder have in common, and the encoder. Sentences of a batch lie behind each
// other without padding: sentence b has rows begins[b] ... begins[b + 1] - 1.
#pragma once

#include <cstdint>
#include <span>

#include "dragoman/inference/engine/network.h"
#include "dragoman/inference/engine/workspace.h"

namespace dragoman::engine {

/// out [dim] = the vector of `id` at `position`.
void embed(const Embedding& embedding, std::int64_t id, std::int64_t position, float* out);

/// x += sublayer(norm(x)), or x = norm(x + sublayer(x)). sublayer(in) adds its result to x and has
/// read `in`, which may be x, by then.
template <class Sublayer>
void residual(const Norm& norm, NormPosition position, float* x, std::int64_t rows, float* normed,
              const Sublayer& sublayer) {
  if (position == NormPosition::pre) {
    norm(x, rows, normed);
    sublayer(static_cast<const float*>(normed));
    return;
  }
  sublayer(static_cast<const float*>(x));
  norm(x, rows, x);
}

/// x [rows, D], in place.
void run_feed_forward(const FeedForward& block, const Network& network, float* x, std::int64_t rows,
                      Workspace& workspace);

/// ids: of all sentences, behind each other -> memory [ids.size(), encoder D].
void encode(const Network& network, std::span<const std::int64_t> ids,
            std::span<const std::int64_t> begins, Workspace& workspace, float* memory);

}  // namespace dragoman::engine
