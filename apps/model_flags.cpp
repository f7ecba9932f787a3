#include "apps/model_flags.h"

#include <CLI/CLI.hpp>

namespace dragoman {

void ModelFlags::add_to(CLI::App& command) {
  command.add_option("--model,-m", model, "the model file")->required()->type_name("MODEL.pt");
  command.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str();
  command.add_option("--precision", precision, "arithmetic")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->type_name("fp32|bf16")
      ->capture_default_str();
  command.add_option("--threads", options.threads, "worker threads; 0: one per core")
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--batch-size", options.batch_size, "sentences computed together by one worker")
      ->type_name("N")
      ->capture_default_str();
}

Translator ModelFlags::load() const {
  TranslatorOptions chosen = options;
  chosen.precision = precision == "bf16" ? Precision::bf16 : Precision::fp32;
  return Translator(model, chosen);
}

}  // namespace dragoman
