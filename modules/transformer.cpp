#include "dragoman/modules/transformer.h"

#include "dragoman/modules/initialize.h"
#include "dragoman/modules/linear.h"
#include "dragoman/modules/masks.h"
#include "dragoman/modules/shape.h"

namespace dragoman {
namespace {

bool ties_source_target(TiedEmbeddings tied) {
  return tied == TiedEmbeddings::source_target || tied == TiedEmbeddings::all;
}

/// The embedding that the output projection shares; undefined: none.
at::Tensor output_weight(TiedEmbeddings tied, const Embedding& source, const Embedding& target) {
  switch (tied) {
    case TiedEmbeddings::target_output:
    case TiedEmbeddings::all:
      return target->weight();
    case TiedEmbeddings::source_output:
      return source->weight();
    case TiedEmbeddings::none:
    case TiedEmbeddings::source_target:
      break;
  }
  return {};
}

}  // namespace

TransformerImpl::TransformerImpl(const ModelConfig& config, InitialWeights weights)
    : config_(config) {
  TORCH_CHECK(config.source_vocabulary > 0 && config.target_vocabulary > 0,
              "the model needs the sizes of its vocabularies");
  source_embedding_ = register_module(
      "source_embedding",
      Embedding(config, config.source_vocabulary, config.encoder.dim, at::Tensor()));
  const at::Tensor shared =
      ties_source_target(config.tied_embeddings) ? source_embedding_->weight() : at::Tensor();
  target_embedding_ = register_module(
      "target_embedding", Embedding(config, config.target_vocabulary, config.decoder.dim, shared));
  if (config.architecture == Architecture::lstm) {
    recurrent_encoder_ = register_module("encoder", RecurrentEncoder(config));
    recurrent_decoder_ = register_module("decoder", RecurrentDecoder(config));
  } else {
    encoder_ = register_module("encoder", Encoder(config));
    decoder_ = register_module("decoder", Decoder(config));
  }
  head_ = register_module(
      "output_head", OutputHead(config, output_weight(config.tied_embeddings, source_embedding_,
                                                      target_embedding_)));
  if (config.copy_head.enabled) copy_head_ = register_module("copy_head", CopyHead(config));
  if (weights == InitialWeights::random) initialize(*this, config);
}

at::Tensor TransformerImpl::encode(const at::Tensor& source, const at::Tensor& source_mask) {
  check_shape(source, {-1, -1}, "source");
  if (source_mask.defined())
    check_shape(source_mask, {source.size(0), source.size(1)}, "source_mask");
  const at::Tensor embedded = source_embedding_(source, 0);
  const at::Tensor mask = drop_full_mask(source_mask);
  return encoder_ ? encoder_(embedded, mask) : recurrent_encoder_(embedded, mask);
}

DecoderState TransformerImpl::start(const at::Tensor& memory, const at::Tensor& source_mask,
                                    bool keep_self, const CopySource& copy) {
  check_shape(memory, {-1, -1, config_.encoder.dim}, "memory");
  if (source_mask.defined())
    check_shape(source_mask, {memory.size(0), memory.size(1)}, "source_mask");
  const at::Tensor mask = drop_full_mask(source_mask);
  DecoderState state = decoder_ ? decoder_->start(memory, mask, keep_self)
                                : recurrent_decoder_->start(memory, mask, keep_self);
  if (copy_head_) {
    state.copying.ids = copy.ids;
    state.copying.extra_words = copy.extra_words;
    copy_head_->start(memory, state);
  }
  return state;
}

at::Tensor TransformerImpl::decode(const at::Tensor& tokens, DecoderState& state) {
  check_shape(tokens, {-1, -1}, "tokens");
  const at::Tensor embedded = target_embedding_(tokens, state.length);
  return decoder_ ? decoder_(embedded, state) : recurrent_decoder_(embedded, state);
}

void TransformerImpl::set_compute_type(at::ScalarType type) {
  source_embedding_->set_compute_type(type);
  target_embedding_->set_compute_type(type);
}

void TransformerImpl::set_checkpointing(bool checkpointing) {
  TORCH_CHECK(!checkpointing || encoder_, "an LSTM has no activation checkpointing");
  if (!encoder_) return;
  encoder_->set_checkpointing(checkpointing);
  decoder_->set_checkpointing(checkpointing);
}

}  // namespace dragoman
