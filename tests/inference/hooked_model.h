// A model that does what a test wants while it computes, and what comes of a request.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/service/translation_service.h"
#include "tests/inference/tiny_model.h"

namespace dragoman_test {

/// The tiny model, which calls something before each start and each step.
class HookedModel final : public dragoman::StepModel {
 public:
  std::unique_ptr<dragoman::StepState> start(const dragoman::SourceBatch& source) const override {
    if (on_start) on_start();
    return model_.start(source);
  }
  at::Tensor step(const at::Tensor& next, dragoman::StepState& state) const override {
    if (on_step) on_step();
    return model_.step(next, state);
  }
  void reorder(dragoman::StepState& state, const at::Tensor& rows,
               const at::Tensor& sentences) const override {
    model_.reorder(state, rows, sentences);
  }
  std::int64_t vocabulary_size() const override { return model_.vocabulary_size(); }
  at::Device device() const override { return model_.device(); }

  std::function<void()> on_start;
  std::function<void()> on_step;

 private:
  dragoman::NativeModel model_{tiny_transformer(tiny_config(60))};
};

/// The outcome in a word; the translation in `result`.
inline std::string outcome(dragoman::TranslationRequest& request, dragoman::Translation& result) {
  try {
    result = request.take();
    return "done";
  } catch (const dragoman::CancelledError&) {
    return "cancelled";
  } catch (const dragoman::DeadlineError&) {
    return "late";
  } catch (const dragoman::UnavailableError&) {
    return "unavailable";
  } catch (const dragoman::Error& error) {
    return error.what();
  }
}

inline const dragoman::DecodingOptions kOptions{.beam_size = 3, .max_length = 20};

}  // namespace dragoman_test
