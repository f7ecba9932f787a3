#include "dragoman/data/tokenizer.h"

#include <fmt/core.h>
#include <sentencepiece_processor.h>

#include <exception>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/data/tokenizer_check.h"

namespace dragoman {

namespace {

/// SentencePiece's own parser writes to stderr when it meets foreign bytes.
bool looks_like_model(std::string_view bytes) {
  return !bytes.empty() && bytes.front() == '\x0a';
}

}  // namespace

struct Tokenizer::State {
  sentencepiece::SentencePieceProcessor processor;
  std::string bytes;
  std::int32_t size = 0;
  std::int32_t unknown = 0;
  std::int32_t end = 0;
  std::int32_t begin = 0;
  std::int32_t pad = 0;
};

namespace {

template <typename Failure>
[[noreturn]] void refuse_foreign(const std::string& origin, const std::string& problem) {
  throw Failure(
      fmt::format("{}: is no SentencePiece model ({}). Give the .model file that "
                  "spm_train or dragoman tokenizer train wrote.",
                  origin, problem));
}

template <typename Failure>
void check_status(const sentencepiece::util::Status& status, const std::string& origin) {
  if (!status.ok()) refuse_foreign<Failure>(origin, status.message());
}

}  // namespace

Tokenizer::Tokenizer(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Tokenizer Tokenizer::from_bytes(std::string bytes, const std::string& origin) {
  auto state = std::make_shared<State>();
  state->bytes = std::move(bytes);
  if (!looks_like_model(state->bytes)) {
    throw ModelError(
        fmt::format("{}: is no SentencePiece model. Give the .model file that spm_train "
                    "or dragoman tokenizer train wrote.",
                    origin));
  }
  if (const auto damage = find_tokenizer_damage(state->bytes); !damage.empty())
    refuse_foreign<ModelError>(origin, damage);
  auto& processor = state->processor;
  try {
    check_status<ModelError>(processor.LoadFromSerializedProto(state->bytes), origin);
  } catch (const Error&) {
    throw;
  } catch (
      const std::exception& error) {  // of the trie that it builds from pieces it should refuse
    refuse_foreign<ModelError>(origin, error.what());
  }
  state->size = processor.GetPieceSize();
  state->unknown = processor.unk_id();
  state->end = processor.eos_id();
  if (state->end < 0) {
    throw ModelError(
        fmt::format("{}: the SentencePiece model has no </s>, which ends every sentence. "
                    "Train it with eos_id >= 0.",
                    origin));
  }
  state->begin = processor.bos_id() >= 0 ? processor.bos_id() : state->end;
  state->pad = processor.pad_id() >= 0 ? processor.pad_id() : state->end;
  return Tokenizer(std::move(state));
}

Tokenizer Tokenizer::from_file(const std::string& path) {
  try {
    return from_bytes(read_file(path), path);
  } catch (const ModelError& error) {
    throw DataError(error.what());
  }
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<int> ids;
  check_status<DataError>(state_->processor.Encode({text.data(), text.size()}, &ids), "tokeniser");
  return ids;
}

std::vector<std::string> Tokenizer::encode_pieces(std::string_view text) const {
  std::vector<std::string> pieces;
  check_status<DataError>(state_->processor.Encode({text.data(), text.size()}, &pieces),
                          "tokeniser");
  return pieces;
}

std::vector<Piece> Tokenizer::encode_aligned(std::string_view text) const {
  const auto encoded = state_->processor.EncodeAsImmutableProto({text.data(), text.size()});
  std::vector<Piece> pieces;
  pieces.reserve(encoded.pieces_size());
  for (const auto& piece : encoded.pieces())
    pieces.push_back(
        {static_cast<std::int32_t>(piece.id()), piece.piece(), piece.begin(), piece.end()});
  return pieces;
}

AlignedText Tokenizer::decode_aligned(const std::vector<std::string>& pieces) const {
  const auto decoded = state_->processor.DecodePiecesAsImmutableProto(pieces);
  AlignedText aligned{decoded.text(), {}};
  for (const auto& piece : decoded.pieces())
    aligned.ends.push_back(piece.end());
  return aligned;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  for (const auto id : ids) {
    if (id < 0 || id >= state_->size) {
      throw ModelError(
          fmt::format("tokeniser: id {} is not among its {} pieces. The model and the "
                      "tokeniser do not belong together.",
                      id, state_->size));
    }
  }
  std::string text;
  check_status<DataError>(state_->processor.Decode(std::vector<int>(ids.begin(), ids.end()), &text),
                          "tokeniser");
  return text;
}

std::int64_t Tokenizer::size() const {
  return state_->size;
}

std::string Tokenizer::piece(std::int32_t id) const {
  if (id < 0 || id >= state_->size) {
    throw ModelError(
        fmt::format("tokeniser: id {} is not among its {} pieces. The model and the "
                    "tokeniser do not belong together.",
                    id, state_->size));
  }
  return state_->processor.IdToPiece(id);
}

std::int32_t Tokenizer::id(std::string_view piece) const {
  return state_->processor.PieceToId({piece.data(), piece.size()});
}

std::int32_t Tokenizer::unknown_id() const {
  return state_->unknown;
}
std::int32_t Tokenizer::end_id() const {
  return state_->end;
}
std::int32_t Tokenizer::begin_id() const {
  return state_->begin;
}
std::int32_t Tokenizer::pad_id() const {
  return state_->pad;
}
const std::string& Tokenizer::bytes() const {
  return state_->bytes;
}

}  // namespace dragoman
