/* The C interface: translates its arguments. */
#include <dragoman/inference/dragoman.h>
#include <stdio.h>

int main(int argument_count, char** arguments) {
  dragoman_translator* translator = NULL;
  dragoman_translations* translations = NULL;
  char* error = NULL;
  dragoman_status status = DRAGOMAN_USAGE_ERROR;
  if (argument_count < 2) {
    fprintf(stderr, "usage: translate_from_c MODEL.pt TEXT...\n");
    return status;
  }
  status = dragoman_load(arguments[1], "{\"threads\": 1}", &translator, &error);
  if (status == DRAGOMAN_OK)
    status = dragoman_translate(translator, (const char* const*)arguments + 2, (size_t)argument_count - 2,
                                "{\"beam_size\": 4}", &translations, &error);
  if (status != DRAGOMAN_OK) fprintf(stderr, "%s\n", error);
  for (size_t index = 0; index < dragoman_count(translations); ++index)
    printf("%s\t%s\n", dragoman_state(translations, index), dragoman_text(translations, index));
  dragoman_free_translations(translations);
  dragoman_free(translator);
  dragoman_free_text(error);
  return status;
}
