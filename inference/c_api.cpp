#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/inference/dragoman.h"
#include "dragoman/inference/translator.h"

struct dragoman_translator {
  dragoman::Translator translator;
};

struct dragoman_translations {
  explicit dragoman_translations(std::vector<dragoman::Translation> translations)
      : results(std::move(translations)) {
    for (const dragoman::Translation& result : results)
      alignments.push_back(pharaoh(result.alignment().words));
  }

  std::vector<dragoman::Translation> results;
  std::vector<std::string> alignments;  ///< as text
};

struct dragoman_request {
  dragoman::PendingTranslation pending;
};

namespace {

using dragoman::UsageError;

dragoman_status failed(dragoman_status status, const char* message, char** error) {
  if (error != nullptr) *error = strdup(message);
  return status;
}

/// Runs `work`; whatever it throws becomes a status and a message.
template <typename Work>
dragoman_status guarded(char** error, Work&& work) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    work();
    return DRAGOMAN_OK;
  } catch (const dragoman::Error& problem) {
    return failed(static_cast<dragoman_status>(problem.exit_code()), problem.what(), error);
  } catch (const std::bad_alloc&) {
    return failed(DRAGOMAN_SYSTEM_ERROR, "out of memory", error);
  } catch (const std::exception& problem) {
    return failed(DRAGOMAN_INTERNAL_ERROR, problem.what(), error);
  } catch (...) {
    return failed(DRAGOMAN_INTERNAL_ERROR, "unknown exception", error);
  }
}

void require(const void* pointer, const char* name) {
  if (pointer == nullptr) throw UsageError(std::string(name) + ": is null. Give a pointer.");
}

dragoman::DecodingOptions decoding_options(const dragoman_translator& translator,
                                           const char* decoding) {
  dragoman::DecodingOptions options = translator.translator.defaults();
  if (decoding != nullptr) read_config(describe(options), decoding, "decoding", {});
  return options;
}

const dragoman::Translation* at(const dragoman_translations* translations, std::size_t index) {
  const bool exists = translations != nullptr && index < translations->results.size();
  return exists ? &translations->results[index] : nullptr;
}

}  // namespace

dragoman_status dragoman_load(const char* model_path, const char* options,
                              dragoman_translator** translator, char** error) {
  if (translator != nullptr) *translator = nullptr;
  return guarded(error, [&] {
    require(model_path, "model_path");
    require(translator, "translator");
    const auto given = dragoman::parse_config<dragoman::TranslatorOptions>(
        options == nullptr ? "{}" : options, "options");
    *translator = new dragoman_translator{dragoman::Translator(model_path, given)};
  });
}

dragoman_status dragoman_translate(const dragoman_translator* translator, const char* const* texts,
                                   size_t count, const char* decoding,
                                   dragoman_translations** translations, char** error) {
  if (translations != nullptr) *translations = nullptr;
  return guarded(error, [&] {
    require(translator, "translator");
    require(translations, "translations");
    if (count > 0) require(texts, "texts");
    std::vector<std::string> owned;
    for (const char* text : std::span(texts, count)) {
      require(text, "a text");
      owned.emplace_back(text);
    }
    *translations = new dragoman_translations(
        translator->translator.translate_batch(owned, decoding_options(*translator, decoding)));
  });
}

dragoman_status dragoman_submit(const dragoman_translator* translator, const char* text,
                                const char* decoding, const char* options,
                                void (*on_ready)(void* user), void* user,
                                dragoman_request** request, char** error) {
  if (request != nullptr) *request = nullptr;
  return guarded(error, [&] {
    require(translator, "translator");
    require(text, "text");
    require(request, "request");
    const auto given = dragoman::parse_config<dragoman::RequestOptions>(
        options == nullptr ? "{}" : options, "options");
    std::function<void()> call;
    if (on_ready != nullptr) call = [on_ready, user] { on_ready(user); };
    *request = new dragoman_request{translator->translator.submit(
        text, decoding_options(*translator, decoding), given, std::move(call))};
  });
}

dragoman_status dragoman_wait(dragoman_request* request, dragoman_translations** translations,
                              char** error) {
  if (translations != nullptr) *translations = nullptr;
  return guarded(error, [&] {
    require(request, "request");
    require(translations, "translations");
    std::vector<dragoman::Translation> results;
    results.push_back(request->pending.get());
    *translations = new dragoman_translations(std::move(results));
  });
}

int dragoman_is_ready(const dragoman_request* request) {
  return request != nullptr && request->pending.wait_for(std::chrono::milliseconds(0)) ? 1 : 0;
}

void dragoman_cancel(const dragoman_request* request) {
  if (request != nullptr) request->pending.cancel();
}

void dragoman_free_request(dragoman_request* request) {
  delete request;
}

size_t dragoman_count(const dragoman_translations* translations) {
  return translations == nullptr ? 0 : translations->results.size();
}

const char* dragoman_text(const dragoman_translations* translations, size_t index) {
  const dragoman::Translation* translation = at(translations, index);
  return translation == nullptr ? nullptr : translation->text().c_str();
}

const char* dragoman_state(const dragoman_translations* translations, size_t index) {
  const dragoman::Translation* translation = at(translations, index);
  return translation == nullptr ? nullptr : name(translation->status).data();
}

double dragoman_score(const dragoman_translations* translations, size_t index) {
  const dragoman::Translation* translation = at(translations, index);
  return translation == nullptr ? 0.0 : translation->hypotheses.front().score;
}

const char* dragoman_alignment(const dragoman_translations* translations, size_t index) {
  return at(translations, index) == nullptr ? nullptr : translations->alignments[index].c_str();
}

void dragoman_free(dragoman_translator* translator) {
  delete translator;
}

void dragoman_free_translations(dragoman_translations* translations) {
  delete translations;
}

void dragoman_free_text(char* text) {
  std::free(text);
}
