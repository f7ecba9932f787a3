// Section "training": optimiser, schedule, validation, checkpoints, limits.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dragoman/training/duration.h"

namespace dragoman {

enum class OptimizerKind { adamw, adam, sgd };
constexpr auto names(OptimizerKind) {
  return std::to_array<std::pair<std::string_view, OptimizerKind>>({{"adamw", OptimizerKind::adamw},
                                                                    {"adam", OptimizerKind::adam},
                                                                    {"sgd", OptimizerKind::sgd}});
}

/// Shapes of the learning rate after warm-up; `learning_rate` is the peak in each.
enum class ScheduleKind { constant, linear, noam, exponential, cosine, cyclic };
constexpr auto names(ScheduleKind) {
  return std::to_array<std::pair<std::string_view, ScheduleKind>>(
      {{"constant", ScheduleKind::constant},
       {"linear", ScheduleKind::linear},
       {"noam", ScheduleKind::noam},
       {"exponential", ScheduleKind::exponential},
       {"cosine", ScheduleKind::cosine},
       {"cyclic", ScheduleKind::cyclic}});
}

/// How the share of right words that the decoder reads falls (training/scheduled_sampling.h).
enum class SamplingSchedule { none, linear, exponential, inverse_sigmoid };
constexpr auto names(SamplingSchedule) {
  return std::to_array<std::pair<std::string_view, SamplingSchedule>>(
      {{"none", SamplingSchedule::none},
       {"linear", SamplingSchedule::linear},
       {"exponential", SamplingSchedule::exponential},
       {"inverse_sigmoid", SamplingSchedule::inverse_sigmoid}});
}

/// Arithmetic of a step; automatic: bf16 where the device computes it natively, else fp32.
enum class TrainingPrecision { automatic, fp32, bf16 };
constexpr auto names(TrainingPrecision) {
  return std::to_array<std::pair<std::string_view, TrainingPrecision>>(
      {{"auto", TrainingPrecision::automatic},
       {"fp32", TrainingPrecision::fp32},
       {"bf16", TrainingPrecision::bf16}});
}

/// How gradients travel between ranks (training/ranks/gradient_sync.h).
enum class GradientCompression { none, bf16 };
constexpr auto names(GradientCompression) {
  return std::to_array<std::pair<std::string_view, GradientCompression>>(
      {{"none", GradientCompression::none}, {"bf16", GradientCompression::bf16}});
}

/// A figure of the development set that checkpoints are ranked by. loss is per token, lower is
/// better.
enum class Metric { loss, accuracy, bleu, chrf, rouge1, rouge2, rougeL };
constexpr auto names(Metric) {
  return std::to_array<std::pair<std::string_view, Metric>>({{"loss", Metric::loss},
                                                             {"accuracy", Metric::accuracy},
                                                             {"bleu", Metric::bleu},
                                                             {"chrf", Metric::chrf},
                                                             {"rouge1", Metric::rouge1},
                                                             {"rouge2", Metric::rouge2},
                                                             {"rougeL", Metric::rougeL}});
}

/// Parameters that learn at a rate of their own.
struct ParameterGroup {
  std::string pattern;
  double learning_rate = 1.0;

  static void fields(auto& self, auto&& visit) {
    visit("pattern", self.pattern,
          "names of parameters, with * and ? as in file names: \"encoder.*\", \"*embedding*\"");
    visit("learning_rate", self.learning_rate,
          "factor of the learning rate; 0: they stay as they are", 0.0, 1000.0);
  }
  void check(auto&&) const {}
};

struct TrainingConfig {
  std::string output = "run";
  std::string init_from;
  std::int64_t max_steps = 100000;
  std::int64_t max_epochs = 0;
  double max_minutes = 0.0;
  std::string time_budget;
  std::int64_t seed = 1;
  std::string device = "cpu";
  std::int64_t threads = 0;
  double memory = 0.0;
  TrainingPrecision precision = TrainingPrecision::automatic;
  OptimizerKind optimizer = OptimizerKind::adamw;
  double learning_rate = 5e-4;
  double beta1 = 0.9;
  double beta2 = 0.98;
  double epsilon = 1e-9;
  double momentum = 0.9;
  double weight_decay = 0.0;
  std::vector<ParameterGroup> groups;
  ScheduleKind schedule = ScheduleKind::noam;
  std::int64_t warmup_steps = 1000;
  double final_learning_rate = 0.0;
  double decay_rate = 0.5;
  std::int64_t decay_steps = 10000;
  double label_smoothing = 0.1;
  bool force_copying = false;
  double coverage_loss = 0.0;
  double r_drop = 0.0;
  double ema = 0.0;
  double guided_alignment = 0.0;
  std::int64_t guided_alignment_layer = 0;
  std::string teacher;
  double distillation = 0.5;
  double distillation_temperature = 1.0;
  std::int64_t distillation_top_k = 0;
  SamplingSchedule scheduled_sampling = SamplingSchedule::none;
  std::int64_t scheduled_sampling_start = 1000;
  std::int64_t scheduled_sampling_steps = 10000;
  double scheduled_sampling_max = 0.5;
  double clip_norm = 1.0;
  std::int64_t accumulate = 1;
  bool activation_checkpointing = false;
  std::int64_t report_every = 50;
  std::int64_t norms_every = 50;
  std::int64_t validate_every = 500;
  Metric best_metric = Metric::bleu;
  std::int64_t validation_batch = 64;
  bool validate_by_decoding = true;
  std::int64_t samples = 5;
  std::int64_t patience = 0;
  std::int64_t save_every = 500;
  std::int64_t keep_last = 5;
  std::int64_t keep_best = 5;
  std::int64_t average_last = 0;
  std::int64_t average_best = 5;
  std::int64_t max_bad_steps = 20;
  double communication_timeout = 300.0;
  bool shard_optimizer = false;
  GradientCompression compress_gradients = GradientCompression::none;
  bool tensorboard = true;

  static void fields(auto& self, auto&& visit) {
    visit("output", self.output, "the run directory: configuration, logs, checkpoints");
    visit("init_from", self.init_from,
          "a model file to start from: its tokenisers too, unless tokenizer.source_model is given; "
          "empty: random weights");
    visit("max_steps", self.max_steps, "optimiser updates", 1, 1000000000);
    visit("max_epochs", self.max_epochs, "stop after so many passes; 0: no limit", 0, 1000000000);
    visit("max_minutes", self.max_minutes,
          "stop after so many minutes of training, resumed time included; 0: no limit", 0.0, 1e9);
    visit(
        "time_budget", self.time_budget,
        "fit the run to this time, such as 90m, 2h or 1h30m: max_steps is set by the speed of the "
        "first updates, so that schedule, validations and averaging end in time; empty: do not");
    visit("seed", self.seed, "seeds initial weights and dropout", 0, 9007199254740991);
    visit("device", self.device, "cpu, cuda or cuda:N");
    visit("threads", self.threads, "CPU threads; 0: one per core", 0, 1024);
    visit(
        "memory", self.memory,
        "with data.batch_tokens auto: gigabytes (1e9 bytes) that training may take on the device, "
        "weights and optimiser included; 0: four fifths of what is free",
        0.0, 1e6);
    visit(
        "precision", self.precision,
        "fp32, or bf16 with fp32 master weights; auto: bf16 where the device computes it natively");
    visit("optimizer", self.optimizer, "adamw (decoupled weight decay), adam or sgd");
    visit("learning_rate", self.learning_rate, "the schedule's peak", 0.0, 1000.0);
    visit("beta1", self.beta1, "Adam's decay of the first moment", 0.0, 0.999999);
    visit("beta2", self.beta2, "Adam's decay of the second moment", 0.0, 0.9999999);
    visit("epsilon", self.epsilon, "Adam's epsilon", 0.0, 1.0);
    visit("momentum", self.momentum, "momentum of sgd", 0.0, 0.999999);
    visit("weight_decay", self.weight_decay, "on matrices, not on biases and norms", 0.0, 10.0);
    visit("groups", self.groups,
          "parameters with learning rates of their own, or none; of several that fit the last "
          "counts");
    visit("schedule", self.schedule,
          "shape of the learning rate after warm-up; noam is the inverse square root");
    visit("warmup_steps", self.warmup_steps, "updates of linear warm-up", 0, 1000000000);
    visit("final_learning_rate", self.final_learning_rate,
          "where linear, cosine and exponential end; the low of cyclic", 0.0, 1000.0);
    visit("decay_rate", self.decay_rate, "factor of exponential per decay_steps", 0.0, 1.0);
    visit("decay_steps", self.decay_steps, "period of exponential and of cyclic, in updates", 1,
          1000000000);
    visit("label_smoothing", self.label_smoothing,
          "share of the target's probability spread over the vocabulary", 0.0, 0.99);
    visit("force_copying", self.force_copying,
          "with a copy head: words that stand in the source are trained as copies only");
    visit("coverage_loss", self.coverage_loss,
          "with a copy head: weight of the loss on pointing twice at the same place", 0.0, 1000.0);
    visit("r_drop", self.r_drop,
          "weight of R-Drop (Liang et al. 2021; 1 to 5): two passes under different dropout are "
          "drawn together, for two to three times the time; 0: one pass",
          0.0, 1000.0);
    visit("ema", self.ema,
          "decay of an exponential moving average of the weights (0.999 to 0.9999), which is what "
          "is validated and stored as the model; 0: none",
          0.0, 0.9999999);
    visit("guided_alignment", self.guided_alignment,
          "weight of the loss that draws the attention to the source towards the links of "
          "data.train[].alignment (Chen et al. 2016; 0.05 to 1); 0: none",
          0.0, 1000.0);
    visit(
        "guided_alignment_layer", self.guided_alignment_layer,
        "the decoder layer whose attention (the mean of its heads) that is, counted from 1; 0: as "
        "decoding.attention_layer 0",
        0, 1000);
    visit(
        "teacher", self.teacher,
        "a model file to learn from beside the corpus, word by word (Hinton et al. 2015); its "
        "tokenisers are used unless tokenizer.source_model or init_from gives others; empty: none");
    visit("distillation", self.distillation,
          "with a teacher: weight of its part of the loss; the words of the corpus have the rest",
          0.001, 1.0);
    visit("distillation_temperature", self.distillation_temperature,
          "with a teacher: both outputs are softened by this temperature", 0.01, 100.0);
    visit("distillation_top_k", self.distillation_top_k,
          "with a teacher: only its so many most probable words count; 0: all", 0, 10000000);
    visit(
        "scheduled_sampling", self.scheduled_sampling,
        "let the decoder read some of the model's own words in place of the right ones (Bengio et "
        "al. 2015, Mihaylova and Martins 2019); how the share of right words falls");
    visit("scheduled_sampling_start", self.scheduled_sampling_start,
          "updates before scheduled_sampling begins", 0, 1000000000);
    visit("scheduled_sampling_steps", self.scheduled_sampling_steps,
          "updates n of scheduled_sampling, i after its start: linear 1 - i / n, exponential "
          "exp(-i / n), inverse_sigmoid n / (n + exp(i / n))",
          1, 1000000000);
    visit("scheduled_sampling_max", self.scheduled_sampling_max,
          "scheduled_sampling's greatest share of the model's own words", 0.0, 1.0);
    visit("clip_norm", self.clip_norm,
          "greatest gradient norm (of the loss per token); 0: no clipping", 0.0, 1e9);
    visit("accumulate", self.accumulate, "batches per update", 1, 1000000);
    visit(
        "activation_checkpointing", self.activation_checkpointing,
        "keep of each layer of a Transformer only what goes in, and compute the rest again for the "
        "gradients (Chen et al. 2016): less memory, about a third more time, the same results");
    visit("report_every", self.report_every, "updates between log lines", 1, 1000000000);
    visit("norms_every", self.norms_every,
          "updates between measurements of every layer's gradient, weights and update; 0: never", 0,
          1000000000);
    visit("validate_every", self.validate_every, "updates between validations; 0: never", 0,
          1000000000);
    visit("best_metric", self.best_metric,
          "the development figure that ranks checkpoints and that patience watches");
    visit("validation_batch", self.validation_batch, "sentences per batch in validation", 1,
          100000);
    visit("validate_by_decoding", self.validate_by_decoding,
          "translate the development set for BLEU and chrF");
    visit("samples", self.samples,
          "development lines whose translations are logged at each validation", 0, 1000);
    visit("patience", self.patience,
          "stop after so many validations without a better best_metric; 0: never", 0, 1000000);
    visit("save_every", self.save_every, "updates between checkpoints", 1, 1000000000);
    visit("keep_last", self.keep_last, "newest checkpoints kept", 1, 100000);
    visit("keep_best", self.keep_best, "best checkpoints kept, by best_metric", 0, 100000);
    visit("average_last", self.average_last,
          "at the end, average so many newest checkpoints into averaged.pt; 0: do not", 0, 100000);
    visit("average_best", self.average_best,
          "at the end, average so many best checkpoints into averaged.pt; 0: do not", 0, 100000);
    visit("max_bad_steps", self.max_bad_steps,
          "stop after so many updates in a row with a loss or gradient that is not finite", 1,
          1000000);
    visit("communication_timeout", self.communication_timeout,
          "with several ranks: seconds until a rank that does not answer ends the run", 1.0,
          86400.0);
    visit("shard_optimizer", self.shard_optimizer,
          "with several ranks: each keeps the optimiser's state of a part of the parameters (ZeRO "
          "stage 1, Rajbhandari et al. 2020): less memory, the same results");
    visit("compress_gradients", self.compress_gradients,
          "with several ranks: what gradients are rounded to on their way, none or bf16: half as "
          "much is sent, and sums keep 8 bits");
    visit("tensorboard", self.tensorboard, "write TensorBoard event files");
  }
  void check(auto&& require) const {
    require(average_last == 0 || average_best == 0, "average_last",
            "and average_best are both set; set one of them to 0");
    require(time_budget.empty() || parse_duration(time_budget), "time_budget",
            "is no time; write it as 90m, 2h or 1h30m");
    require(average_last <= keep_last, "average_last", "must not exceed keep_last");
    require(average_best <= keep_best, "average_best", "must not exceed keep_best");
    require(best_metric == Metric::loss || best_metric == Metric::accuracy || validate_by_decoding,
            "best_metric", "needs validate_by_decoding");
  }
};

}  // namespace dragoman
