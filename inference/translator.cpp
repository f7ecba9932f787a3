#include "dragoman/inference/translator.h"

#include <ATen/Context.h>
#include <c10/core/Device.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "dragoman/data/archive.h"
#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/data/shortlist.h"
#include "dragoman/inference/batch_translator.h"
#include "dragoman/inference/error_guard.h"
#include "dragoman/inference/models/cpu_model.h"
#include "dragoman/inference/models/ensemble_model.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/models/replicated_model.h"
#include "dragoman/inference/models/scorer.h"
#include "dragoman/inference/models/scripted_model.h"
#include "dragoman/inference/service/translation_service.h"
#include "dragoman/inference/service/worker_pool.h"

namespace dragoman {
namespace {

at::Device parse_device(const std::string& option, const std::string& name) {
  const auto refuse = [&](const std::string& why) {
    throw UsageError(fmt::format("{}: '{}' {}. Use cpu, cuda or cuda:N{}.", option, name, why,
                                 option == "devices" ? ", with commas between them" : ""));
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

/// Where the replicas of the model are.
std::vector<at::Device> parse_devices(const TranslatorOptions& options) {
  if (options.devices.empty()) return {parse_device("device", options.device)};
  std::vector<at::Device> devices;
  for (std::size_t begin = 0; begin <= options.devices.size();) {
    const std::size_t end = std::min(options.devices.find(',', begin), options.devices.size());
    devices.push_back(parse_device("devices", options.devices.substr(begin, end - begin)));
    begin = end + 1;
  }
  return devices;
}

/// How many threads translate: never more than the options allow.
struct ThreadPlan {
  ThreadPlan(const TranslatorOptions& options, const std::vector<at::Device>& devices) {
    const auto replicas = std::ssize(devices);
    const auto on_cpus = std::ranges::count_if(devices, &at::Device::is_cpu);
    if (options.threads > 0 && options.threads < replicas)
      throw UsageError(
          fmt::format("threads: {} are too few for {} devices, each of which needs one. Give more, "
                      "or 0.",
                      options.threads, replicas));
    // Cores compute for the CPU; one thread keeps a GPU busy.
    const std::int64_t cores = std::max(std::thread::hardware_concurrency(), 1U);
    const std::int64_t threads = options.threads > 0 ? options.threads
                                 : on_cpus > 0       ? std::max<std::int64_t>(cores, replicas)
                                                     : replicas;
    per_worker = on_cpus == replicas ? std::min(options.threads_per_worker, threads / replicas) : 1;
    workers = threads / per_worker;
  }

  std::int64_t workers;
  std::int64_t per_worker;
};

engine::WeightType weight_type(Precision precision) {
  switch (precision) {
    case Precision::stored:
    case Precision::fp32:
      return engine::WeightType::fp32;
    case Precision::bf16:
      return engine::WeightType::bf16;
    case Precision::int8:
      return engine::WeightType::int8;
  }
  return engine::WeightType::fp32;
}

/// Null without a file.
std::shared_ptr<const Shortlist> load_shortlist(const std::string& path,
                                                const std::vector<at::Device>& devices) {
  if (path.empty()) return nullptr;
  if (!std::ranges::all_of(devices, &at::Device::is_cpu))
    throw UsageError("shortlist: is for CPUs. Leave it out on other devices.");
  return std::make_shared<const Shortlist>(Shortlist::load(path));
}

void check_shortlist(const Shortlist* shortlist, const std::string& path, const ModelFile& file) {
  if (shortlist == nullptr || shortlist->tokenizers() == tokenizer_hash(file.encoder)) return;
  throw UsageError(
      fmt::format("{}: belongs to other tokenisers than {} has. Build one with `dragoman shortlist "
                  "--model {}`.",
                  path, file.path, file.path));
}

/// LibTorch runs these, not the engine.
void check_module_options(const ModelFile& file, Precision precision, const Shortlist* shortlist) {
  const std::string kind = file.model.architecture == Architecture::lstm
                               ? "is an lstm"
                               : fmt::format("is a model whose {} the packed engine does not know",
                                             file.model.modules_only());
  if (precision != Precision::fp32)
    throw UsageError(fmt::format("precision: {} {}, which computes in fp32 on CPUs. Leave it out.",
                                 file.path, kind));
  if (shortlist != nullptr)
    throw UsageError(
        fmt::format("shortlist: {} {}, which has none. Leave it out.", file.path, kind));
}

std::unique_ptr<StepModel> load_model(const ModelFile& file, Precision wanted, at::Device device,
                                      const std::shared_ptr<const Shortlist>& shortlist,
                                      std::int64_t threads_per_worker) {
  const Precision precision = wanted == Precision::stored ? file.precision : wanted;
  Transformer model = build_transformer(file);
  if (device.is_cpu() && file.model.modules_only().empty())
    return std::make_unique<CpuModel>(model, weight_type(precision), shortlist, threads_per_worker);
  if (device.is_cpu()) check_module_options(file, precision, shortlist.get());
  if (precision == Precision::int8)
    throw UsageError("precision: int8 is for CPUs. Use bf16 or fp32 on other devices.");
  if (precision == Precision::bf16) {
    model->to(at::kBFloat16);
    model->set_compute_type(at::kBFloat16);
  }
  model->to(device);
  return std::make_unique<NativeModel>(model);
}

std::unique_ptr<StepModel> load_scripted(const ModelFile& file, const TranslatorOptions& options,
                                         at::Device device) {
  if (options.precision != Precision::stored)
    throw UsageError(fmt::format(
        "precision: {} is a scripted model, which has its own. Leave it out.", file.path));
  if (!options.shortlist.empty())
    throw UsageError(fmt::format(
        "shortlist: {} is a scripted model, which knows none. Leave it out.", file.path));
  return std::make_unique<ScriptedModel>(
      file.path, device,
      ScriptedModelOptions{.source_vocabulary = file.encoder.source().size(),
                           .target_vocabulary = file.encoder.target().size(),
                           .begin = file.encoder.target().begin_id(),
                           .max_positions = file.script.max_positions});
}

void check_same_tokenizers(const ModelFile& one, const ModelFile& other) {
  if (one.encoder.source().bytes() == other.encoder.source().bytes() &&
      one.encoder.target().bytes() == other.encoder.target().bytes())
    return;
  throw UsageError(
      fmt::format("{} and {} have different tokenisers. Models that decide together must have been "
                  "trained with the same ones.",
                  one.path, other.path));
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
    case Status::constraints_unmet:
      return "constraints_unmet";
    case Status::looped:
      return "looped";
  }
  return "unknown";
}

struct Translator::State {
  State(const ModelFile& file, std::unique_ptr<StepModel> step_model,
        const TranslatorOptions& options, const ThreadPlan& threads)
      : decoding(file.decoding),
        encoder(file.encoder),
        warnings(file.warnings),
        model(std::move(step_model)),
        batch_size(options.batch_size),
        workers(threads.workers, threads.per_worker),
        service(
            *model, encoder,
            {.queue = options.queue, .batch_size = options.batch_size, .workers = threads.workers},
            workers) {}

  DecodingOptions decoding;
  PairEncoder encoder;
  std::vector<std::string> warnings;
  std::unique_ptr<StepModel> model;
  std::int64_t batch_size;
  WorkerPool workers;
  TranslationService service;
};

Translator::Translator(const std::string& model_path, const TranslatorOptions& options)
    : Translator(ensemble({model_path}, {}, options)) {}

Translator::Translator(std::unique_ptr<State> state) : state_(std::move(state)) {}

Translator Translator::ensemble(const std::vector<std::string>& model_paths,
                                const EnsembleOptions& ensembling,
                                const TranslatorOptions& options) {
  // Reading the options back from their own text checks every range.
  static_cast<void>(parse_config<TranslatorOptions>(to_json_text(options), "translator options"));
  const std::vector<at::Device> devices = parse_devices(options);
  const ThreadPlan threads(options, devices);
  const std::shared_ptr<const Shortlist> shortlist = load_shortlist(options.shortlist, devices);
  std::vector<ModelFile> files;
  std::vector<std::vector<std::unique_ptr<StepModel>>> models(devices.size());  // of each device
  bool has_scripts = false;
  for (const std::string& path : model_paths) {
    guarded(path.c_str(), [&] {
      const ArchiveOutline outline = outline_archive(path);
      const bool has_script = is_scripted(outline);
      has_scripts = has_scripts || has_script;
      files.push_back(has_script ? load_scripted_file(path, outline, options)
                                 : load_model_file(path));
      check_same_tokenizers(files.front(), files.back());
      if (!has_script) check_shortlist(shortlist.get(), options.shortlist, files.back());
      for (std::size_t index = 0; index < devices.size(); ++index)
        models[index].push_back(has_script
                                    ? load_scripted(files.back(), options, devices[index])
                                    : load_model(files.back(), options.precision, devices[index],
                                                 shortlist, threads.per_worker));
      files.back().weights.clear();
    });
  }
  if (!has_scripts && !(options.source_tokenizer.empty() && options.target_tokenizer.empty()))
    throw UsageError(
        "source_tokenizer, target_tokenizer: are for scripted models, a model file has its own. "
        "Leave them out.");
  std::vector<std::unique_ptr<StepModel>> replicas;
  for (auto& on_device : models)
    replicas.push_back(on_device.size() == 1 && ensembling.weights.empty()
                           ? std::move(on_device.front())
                           : std::make_unique<EnsembleModel>(std::move(on_device), ensembling));
  std::unique_ptr<StepModel> model = replicas.size() == 1
                                         ? std::move(replicas.front())
                                         : std::make_unique<ReplicatedModel>(std::move(replicas));
  // The texts are encoded for a model that copies, if there is one.
  const auto copies = [](const ModelFile& file) { return file.encoder.options().enabled; };
  const auto copying = std::ranges::find_if(files, copies);
  if (copying != files.end()) files.front().encoder = copying->encoder;
  for (std::size_t index = 1; index < files.size(); ++index)
    for (const std::string& warning : files[index].warnings)
      files.front().warnings.push_back(warning);
  return Translator(std::make_unique<State>(files.front(), std::move(model), options, threads));
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
                                                     const DecodingOptions& options,
                                                     std::span<const TextOptions> own) const {
  return guarded("translate", [&] {
    return translate_texts(*state_->model, state_->encoder, {texts, own}, options,
                           state_->batch_size, state_->workers);
  });
}

PendingTranslation Translator::submit(std::string text, const DecodingOptions& options,
                                      const RequestOptions& request,
                                      std::function<void()> on_ready) const {
  return guarded("translate", [&] {
    return PendingTranslation(
        state_->service.submit(std::move(text), options, request, std::move(on_ready)));
  });
}

Translation Translator::translate_stream(std::string text, const DecodingOptions& options,
                                         const std::function<bool(std::string_view)>& on_text,
                                         const RequestOptions& request) const {
  return state_->service.stream(std::move(text), options, on_text, request);
}

void Translator::shutdown(Shutdown mode) const {
  state_->service.shutdown(mode);
}

std::vector<Score> Translator::score_batch(std::span<const std::string> sources,
                                           std::span<const std::string> targets,
                                           const AlignmentOptions& alignment) const {
  return guarded("score", [&] {
    return score_texts(*state_->model, state_->encoder, {sources, targets, alignment},
                       state_->batch_size, state_->workers);
  });
}

// --- PendingTranslation ---

PendingTranslation::PendingTranslation(std::shared_ptr<TranslationRequest> request)
    : request_(std::move(request)) {}

PendingTranslation::~PendingTranslation() {
  cancel();
}

PendingTranslation& PendingTranslation::operator=(PendingTranslation&& other) noexcept {
  if (this == &other) return *this;
  cancel();
  request_ = std::move(other.request_);
  return *this;
}

Translation PendingTranslation::get() {
  if (request_ == nullptr) throw UsageError("request: there is none. Get it from submit.");
  return request_->take();
}

bool PendingTranslation::wait_for(std::chrono::milliseconds time) const {
  if (request_ == nullptr) throw UsageError("request: there is none. Get it from submit.");
  return request_->wait_for(time);
}

void PendingTranslation::cancel() const {
  if (request_ != nullptr) request_->cancel();
}

}  // namespace dragoman
