/* The C interface: opaque handles, a status for every call, text in UTF-8.
 *
 *   dragoman_translator* translator;
 *   dragoman_translations* result;
 *   char* error;
 *   const char* texts[] = {"Two dogs play in the snow."};
 *   if (dragoman_load("model.pt", "{\"threads\": 2}", &translator, &error) != DRAGOMAN_OK ||
 *       dragoman_translate(translator, texts, 1, NULL, &result, &error) != DRAGOMAN_OK)
 *     fprintf(stderr, "%s\n", error);
 *   else
 *     puts(dragoman_text(result, 0));
 *
 * dragoman_submit takes single texts of many threads, which share batches.
 *
 * Several threads may use a handle at once, but not while one of them frees it. No call throws. */
#ifndef DRAGOMAN_INFERENCE_DRAGOMAN_H
#define DRAGOMAN_INFERENCE_DRAGOMAN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dragoman_translator dragoman_translator;
typedef struct dragoman_translations dragoman_translations;
typedef struct dragoman_request dragoman_request;

/* Up to 5 the exit statuses of the program. */
typedef enum dragoman_status {
  DRAGOMAN_OK = 0,
  DRAGOMAN_INTERNAL_ERROR = 1, /* a mistake of the library */
  DRAGOMAN_USAGE_ERROR = 2,    /* options or texts that cannot be used, pointers that are null */
  DRAGOMAN_DATA_ERROR = 3,
  DRAGOMAN_MODEL_ERROR = 4,  /* the model file is missing, damaged or foreign */
  DRAGOMAN_SYSTEM_ERROR = 5, /* memory, threads, devices */
  DRAGOMAN_CANCELLED = 6,    /* by dragoman_cancel */
  DRAGOMAN_TOO_LATE = 7,     /* the request's timeout_ms were over before its answer was there */
  DRAGOMAN_UNAVAILABLE = 8   /* the queue is full, or shut down */
} dragoman_status;

/* On a status other than DRAGOMAN_OK the handle is NULL and, unless `error` is null, *error says
 * what is wrong and how to mend it; dragoman_free_text frees it. On DRAGOMAN_OK *error is NULL. */

/* options: a JSON object with fields of TranslatorOptions, {"device": "cpu", "threads": 2}; NULL:
 * the defaults. */
dragoman_status dragoman_load(const char* model_path, const char* options,
                              dragoman_translator** translator, char** error);

/* decoding: a JSON object with the fields of DecodingOptions that differ from the model's,
 * {"beam_size": 1}; NULL: as the model says. As many results as texts, in their order. */
dragoman_status dragoman_translate(const dragoman_translator* translator, const char* const* texts,
                                   size_t count, const char* decoding,
                                   dragoman_translations** translations, char** error);

/* Translates one text in company of what other threads submit. Returns at once, or when the queue
 * has room (options: queue.when_full). decoding: as above; options: a JSON object with fields of
 * RequestOptions, {"timeout_ms": 500, "priority": 1}; NULL: the defaults. Unless it is null,
 * on_ready(user) is called once when dragoman_wait would no longer wait, perhaps already during
 * dragoman_submit: on a thread of the library, or by who cancels. It must be short and must not
 * free the translator. */
dragoman_status dragoman_submit(const dragoman_translator* translator, const char* text,
                                const char* decoding, const char* options,
                                void (*on_ready)(void* user), void* user,
                                dragoman_request** request, char** error);
/* Waits for the answer: one translation, or why there is none. Once for each request. */
dragoman_status dragoman_wait(dragoman_request* request, dragoman_translations** translations,
                              char** error);
/* 1: dragoman_wait would not wait. */
int dragoman_is_ready(const dragoman_request* request);
/* The answer is DRAGOMAN_CANCELLED from now on, unless there is one already. Also while another
 * thread is in dragoman_wait. */
void dragoman_cancel(const dragoman_request* request);
/* Cancels what has no answer yet. Requests may be freed after their translator. NULL is allowed. */
void dragoman_free_request(dragoman_request* request);

size_t dragoman_count(const dragoman_translations* translations);
/* Of the best hypothesis of translation `index`; NULL (0.0) when there is no such translation.
 * Valid until the translations are freed. The state is "ok", "length_capped", ... */
const char* dragoman_text(const dragoman_translations* translations, size_t index);
const char* dragoman_state(const dragoman_translations* translations, size_t index);
double dragoman_score(const dragoman_translations* translations, size_t index);
/* Which words of source and text belong together, "0-0 1-2" (source-target, from 0); "" unless the
 * decoding options asked for an alignment. */
const char* dragoman_alignment(const dragoman_translations* translations, size_t index);

/* NULL is allowed. */
void dragoman_free(dragoman_translator* translator);
void dragoman_free_translations(dragoman_translations* translations);
void dragoman_free_text(char* text);

#ifdef __cplusplus
}
#endif

#endif
