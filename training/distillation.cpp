#include "dragoman/training/distillation.h"

#include <ATen/ATen.h>

#include "dragoman/training/real_rows.h"

namespace dragoman {
namespace {

/// Gate and pointer of the rows, softened.
struct SoftPointing {
  at::Tensor log_generate;  ///< [N]
  at::Tensor log_copy;      ///< [N]
  at::Tensor log_weights;   ///< [N, S]
};

SoftPointing softened(const Pointing& pointing, const RealRows& rows, double temperature) {
  const at::Tensor gate =
      (rows.of(pointing.log_generate) - rows.of(pointing.log_copy)) / temperature;
  return {at::log_sigmoid(gate), at::log_sigmoid(-gate),
          at::log_softmax(rows.of(pointing.log_weights) / temperature, -1)};
}

}  // namespace

at::Tensor distillation_loss(Transformer& student, const ForwardPass& pass, const Batch& batch,
                             const DecoderInput& input, const Distillation& options) {
  Transformer teacher = options.teacher;
  ForwardPass lesson;
  {
    const at::NoGradGuard no_grad;
    lesson = decode_batch(teacher, batch, encode_batch(teacher, batch), input);
  }
  const double temperature = options.softening.temperature;
  const RealRows rows(padding_mask(batch.target_lengths, batch.target_output.size(1)));
  const auto type = pass.hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor counts = rows.counts(type);  // [N]
  const auto words = [&](const at::Tensor& weights) {
    return student->head()->distillation(rows.of(pass.hidden), *teacher->head(),
                                         rows.of(lesson.hidden), weights, options.softening);
  };
  at::Tensor sum;
  if (student->copy_head()) {
    const SoftPointing theirs = softened(lesson.pointing, rows, temperature);
    const SoftPointing own = softened(pass.pointing, rows, temperature);
    const at::Tensor generated = theirs.log_generate.exp() * counts;
    const at::Tensor copied = theirs.log_copy.exp() * counts;
    const at::Tensor places = divergences(theirs.log_weights, own.log_weights).first;
    sum = words(generated) + (generated * (theirs.log_generate - own.log_generate) +
                              copied * (theirs.log_copy - own.log_copy + places))
                                 .sum();
  } else {
    sum = words(counts);
  }
  return sum * (temperature * temperature);
}

}  // namespace dragoman
