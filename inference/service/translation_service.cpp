#include "dragoman/inference/service/translation_service.h"

#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/inference/aligner.h"
#include "dragoman/inference/batch_translator.h"
#include "dragoman/inference/encode_demands.h"
#include "dragoman/inference/error_guard.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/search/search_observer.h"
#include "dragoman/inference/service/stable_text.h"

namespace dragoman {
namespace {

/// Plans that nobody uses any more are forgotten when there are so many.
constexpr std::size_t kManyPlans = 64;

/// Requests that are computed together, as the search sees them. A request has its answer as soon
/// as its own sentence is finished.
class BatchWatch final : public SearchObserver {
 public:
  /// `waits_for_all`: the results are not complete when the search is.
  BatchWatch(std::span<TranslationRequest* const> requests, bool waits_for_all)
      : requests_(requests), waits_for_all_(waits_for_all) {}

  bool is_abandoned(std::int64_t sentence) override { return at(sentence).is_answered(); }
  bool wants_prefixes(std::int64_t sentence) override { return at(sentence).content().streams; }
  void on_prefix(std::int64_t sentence, std::span<const std::int64_t> tokens) override {
    at(sentence).grow_prefix(tokens);
  }
  void on_finished(std::int64_t sentence, const std::vector<IdHypothesis>& hypotheses) override {
    TranslationRequest& request = at(sentence);
    const TranslationRequest::Content& content = request.content();
    Translation result = content.admitted;
    add_hypotheses(hypotheses, content.demands.of(0), request.plan().options,
                   request.plan().encoder, {content.text, content.source}, result);
    const std::chrono::duration<double, std::milli> queued = begun_ - request.created();
    const std::chrono::duration<double, std::milli> computing = Clock::now() - begun_;
    result.queued_ms = queued.count();
    result.computing_ms = computing.count();
    request.set_result(std::move(result));
    if (!waits_for_all_) request.succeed();
  }

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] TranslationRequest& at(std::int64_t sentence) const {
    return *requests_[static_cast<std::size_t>(sentence)];
  }

  std::span<TranslationRequest* const> requests_;
  bool waits_for_all_;
  Clock::time_point begun_ = Clock::now();
};

}  // namespace

TranslationService::TranslationService(const StepModel& model, const PairEncoder& encoder,
                                       const SchedulerOptions& options, WorkerPool& pool)
    : model_(model),
      encoder_(encoder),
      scheduler_(
          options,
          [this](const RequestBatch& batch) { guarded("translate", [&] { compute(batch); }); },
          [&pool](std::function<void()> work) { pool.post(std::move(work)); }) {}

std::shared_ptr<TranslationRequest> TranslationService::submit(std::string text,
                                                               const DecodingOptions& decoding,
                                                               const RequestOptions& options,
                                                               std::function<void()> on_ready,
                                                               bool streams) {
  const auto now = std::chrono::steady_clock::now();
  static_cast<void>(parse_config<RequestOptions>(to_json_text(options), "request options"));
  check_texts(std::span(&text, 1), "texts");
  std::shared_ptr<const DecodingPlan> with = plan(decoding);
  EncodedSource source = with->encoder.encode_source(text);
  Translation admitted;
  const bool has_text =
      admit(source, with->encoder, longest_source(model_, with->options), admitted);
  // The same text is drawn the same way whatever it shares a batch with.
  const TextOptions own{.number = 0};
  SearchDemands demands = encode_demands(with->encoder, std::span(&source, 1), with->options,
                                         std::span(&own, 1), model_.max_positions());
  const RequestTraits traits{.length = std::ssize(source.ids) + 1,
                             .kind = with->kind,
                             .priority = options.priority,
                             .deadline = options.timeout_ms == 0
                                             ? SteadyTime::max()
                                             : now + std::chrono::milliseconds(options.timeout_ms)};
  const auto request = std::make_shared<TranslationRequest>(
      std::move(with),
      TranslationRequest::Content{std::move(text), std::move(source), std::move(demands), admitted,
                                  streams, std::move(on_ready)},
      traits);
  if (has_text) {
    scheduler_.submit(request);
  } else {
    request->set_result(std::move(admitted));
    request->succeed();
  }
  return request;
}

Translation TranslationService::stream(std::string text, const DecodingOptions& decoding,
                                       const std::function<bool(std::string_view)>& on_text,
                                       const RequestOptions& options) {
  const auto request =
      guarded("translate", [&] { return submit(std::move(text), decoding, options, {}, true); });
  // However this function is left, nobody fetches the answer afterwards.
  const std::unique_ptr<TranslationRequest, void (*)(TranslationRequest*)> cancelled(
      request.get(), [](TranslationRequest* left) { left->cancel(); });
  StableText stable;
  const auto give = [&](const std::string& part) {
    if (part.empty() || on_text(part)) return;
    request->cancel();
    throw CancelledError("request: was cancelled by its caller.");
  };
  while (const auto prefix = request->next_prefix())
    give(stable.advance(guarded("translate", [&] {
      return request->plan().encoder.decode(*prefix, request->content().source).text;
    })));
  Translation result = request->take();
  give(stable.finish(result.text()));
  return result;
}

std::shared_ptr<const DecodingPlan> TranslationService::plan(const DecodingOptions& decoding) {
  std::string key = to_json_text(decoding);
  const std::lock_guard lock(mutex_);
  if (const auto known = plans_.find(key); known != plans_.end())
    if (auto plan = known->second.lock()) return plan;
  // Reading the options back from their own text checks every range and rule.
  auto checked = parse_config<DecodingOptions>(key, "decoding options");
  check_attention(model_, checked);
  PairEncoder encoder = encoder_.protecting(checked.protect);
  auto plan = std::make_shared<const DecodingPlan>(
      DecodingPlan{std::move(checked), std::move(encoder), ++kinds_});
  if (plans_.size() >= kManyPlans)
    std::erase_if(plans_, [](const auto& entry) { return entry.second.expired(); });
  plans_[std::move(key)] = plan;
  return plan;
}

void TranslationService::compute(const RequestBatch& batch) const {
  std::vector<TranslationRequest*> requests;
  std::vector<EncodedSource> encoded;
  std::vector<SourceText> sources;
  for (const auto& waiting : batch) {
    requests.push_back(static_cast<TranslationRequest*>(waiting.get()));
    const TranslationRequest::Content& content = requests.back()->content();
    encoded.push_back(content.source);
    sources.push_back({content.text, content.source});
  }
  const DecodingPlan& plan = requests.front()->plan();
  std::vector<std::int64_t> all(batch.size());
  std::iota(all.begin(), all.end(), 0);
  const SourceBatch tensors = source_batch(encoded, all, plan.encoder, model_.device());
  const bool traces = wants_trace(model_, plan.options);
  SearchDemands demands = requests.front()->content().demands;
  for (std::size_t place = 1; place < requests.size(); ++place)
    demands.sentences.push_back(requests[place]->content().demands.sentences.front());
  BatchWatch watch(requests, traces);
  const auto found =
      find_outputs(model_, tensors, plan.encoder, plan.options, demands, sources, &watch);
  if (!traces) return;
  std::vector<Translation*> results;
  for (TranslationRequest* request : requests)
    results.push_back(&request->result());
  trace_outputs(model_, plan.encoder, tensors, found, sources, plan.options, results);
}

}  // namespace dragoman
