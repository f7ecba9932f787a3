#include "dragoman/inference/translator.h"

#include <ATen/Context.h>
#include <c10/core/Device.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>
#include <thread>
#include <utility>

#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/inference/batch_translator.h"
#include "dragoman/inference/model_file.h"
#include "dragoman/inference/native_model.h"
#include "dragoman/inference/scorer.h"
#include "dragoman/inference/worker_pool.h"

namespace dragoman {
namespace {

at::Device parse_device(const std::string& name) {
  const auto refuse = [&name](const std::string& why) {
    throw UsageError(fmt::format("device: '{}' {}. Use cpu, cuda or cuda:N.", name, why));
  };
  at::Device device(at::kCPU);
  try {
    device = at::Device(name);
  } catch (const c10::Error&) {
    refuse("is no device");
  }
  if (!device.is_cpu() && !device.is_cuda()) refuse("is not supported");
  if (device.is_cuda()) {
    const auto count = static_cast<int>(at::getNumGPUs());
    if (count == 0) refuse("is not available: no CUDA device, or a LibTorch without CUDA");
    if (device.index() >= count)
      refuse(fmt::format("is not available: there are {} devices", count));
  }
  return device;
}

std::int64_t worker_count(const TranslatorOptions& options, const at::Device& device) {
  if (options.threads > 0) return options.threads;
  return device.is_cpu() ? std::max(1U, std::thread::hardware_concurrency()) : 1;
}

Transformer load_transformer(const ModelFile& file, Precision precision, at::Device device) {
  Transformer model = build_transformer(file);
  if (precision == Precision::bf16) {
    model->to(at::kBFloat16);
    model->set_compute_type(at::kBFloat16);
  }
  model->to(device);
  return model;
}

/// Runs `work`; what LibTorch or the system throws becomes an Error.
template <typename Work>
auto guarded(const char* what, Work&& work) {
  try {
    return work();
  } catch (const c10::OutOfMemoryError& error) {
    throw SystemError(fmt::format("{}: the device is out of memory ({}). Use a smaller batch_size.",
                                  what, error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    const std::string_view problem = error.what_without_backtrace();
    if (problem.find("allocate memory") != std::string_view::npos)
      throw SystemError(fmt::format("{}: {}. Use a smaller batch_size.", what, problem));
    throw ModelError(fmt::format("{}: {}", what, problem));
  } catch (const std::bad_alloc&) {
    throw SystemError(fmt::format("{}: out of memory. Use a smaller batch_size.", what));
  }
}

}  // namespace

std::string_view name(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::empty_input:
      return "empty_input";
    case Status::source_truncated:
      return "source_truncated";
    case Status::length_capped:
      return "length_capped";
  }
  return "unknown";
}

struct Translator::State {
  State(const ModelFile& file, const TranslatorOptions& options, at::Device device)
      : decoding(file.decoding),
        encoder(file.encoder),
        warnings(file.warnings),
        model(load_transformer(file, options.precision, device)),
        batch_size(options.batch_size),
        workers(worker_count(options, device)) {}

  DecodingOptions decoding;
  PairEncoder encoder;
  std::vector<std::string> warnings;
  NativeModel model;
  std::int64_t batch_size;
  WorkerPool workers;
};

Translator::Translator(const std::string& model_path, const TranslatorOptions& options) {
  // Reading the options back from their own text checks every range.
  static_cast<void>(parse_config<TranslatorOptions>(to_json_text(options), "translator options"));
  const at::Device device = parse_device(options.device);
  guarded(model_path.c_str(),
          [&] { state_ = std::make_unique<State>(load_model_file(model_path), options, device); });
}

Translator::~Translator() = default;
Translator::Translator(Translator&&) noexcept = default;
Translator& Translator::operator=(Translator&&) noexcept = default;

const DecodingOptions& Translator::defaults() const {
  return state_->decoding;
}

const std::vector<std::string>& Translator::warnings() const {
  return state_->warnings;
}

Translation Translator::translate(const std::string& text) const {
  return translate(text, state_->decoding);
}

Translation Translator::translate(const std::string& text, const DecodingOptions& options) const {
  return std::move(translate_batch(std::span(&text, 1), options).front());
}

std::vector<Translation> Translator::translate_batch(std::span<const std::string> texts,
                                                     const DecodingOptions& options) const {
  return guarded("translate", [&] {
    return translate_texts(state_->model, state_->encoder, texts, options, state_->batch_size,
                           state_->workers);
  });
}

std::vector<Score> Translator::score_batch(std::span<const std::string> sources,
                                           std::span<const std::string> targets) const {
  return guarded("score", [&] {
    return score_texts(state_->model, state_->encoder, sources, targets, state_->batch_size,
                       state_->workers);
  });
}

}  // namespace dragoman
