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
 * Several threads may use a handle at once, but not while one of them frees it. No call throws. */
#ifndef DRAGOMAN_INFERENCE_DRAGOMAN_H
#define DRAGOMAN_INFERENCE_DRAGOMAN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dragoman_translator dragoman_translator;
typedef struct dragoman_translations dragoman_translations;

/* The exit statuses of the program. */
typedef enum dragoman_status {
  DRAGOMAN_OK = 0,
  DRAGOMAN_INTERNAL_ERROR = 1, /* a mistake of the library */
  DRAGOMAN_USAGE_ERROR = 2,    /* options or texts that cannot be used, pointers that are null */
  DRAGOMAN_DATA_ERROR = 3,
  DRAGOMAN_MODEL_ERROR = 4, /* the model file is missing, damaged or foreign */
  DRAGOMAN_SYSTEM_ERROR = 5 /* memory, threads, devices */
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

size_t dragoman_count(const dragoman_translations* translations);
/* Of the best hypothesis of translation `index`; NULL (0.0) when there is no such translation.
 * Valid until the translations are freed. The state is "ok", "length_capped", ... */
const char* dragoman_text(const dragoman_translations* translations, size_t index);
const char* dragoman_state(const dragoman_translations* translations, size_t index);
double dragoman_score(const dragoman_translations* translations, size_t index);

/* NULL is allowed. */
void dragoman_free(dragoman_translator* translator);
void dragoman_free_translations(dragoman_translations* translations);
void dragoman_free_text(char* text);

#ifdef __cplusplus
}
#endif

#endif
