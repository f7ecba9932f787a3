#include "apps/model_flags.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "dragoman/data/config.h"

namespace dragoman {
namespace {

/// Each step of the search needs the same few megabytes again. By default glibc gives such blocks
/// back to the system at once, and the next step faults them in again.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 256 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
}

std::string type_of(const Field& field) {
  if (const auto* names = std::get_if<EnumReference>(&field.value)) {
    std::string type;
    for (const std::string_view name : names->names)
      type += (type.empty() ? "" : "|") + std::string(name);
    return type;
  }
  return std::holds_alternative<double*>(field.value) ? "NUMBER" : "N";
}

}  // namespace

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
  keep_freed_memory();
  TranslatorOptions chosen = options;
  chosen.precision = precision == "bf16" ? Precision::bf16 : Precision::fp32;
  return Translator(model, chosen);
}

void add_decoding_flags(CLI::App& command, std::vector<std::string>& overrides) {
  DecodingOptions options;
  const Section section = describe(options);
  for (const Field& field : section.fields) {
    std::string flag = "--" + field.name;
    std::ranges::replace(flag, '_', '-');
    const auto group = "Search (defaults come from the model)";
    if (std::holds_alternative<bool*>(field.value)) {
      command
          .add_flag_function(
              flag,
              [&overrides, name = field.name](std::int64_t) {
                overrides.push_back(name + "=true");
              },
              field.help)
          ->group(group);
    } else {
      command
          .add_option_function<std::string>(
              flag,
              [&overrides, name = field.name](const std::string& value) {
                overrides.push_back(name + "=" + value);
              },
              field.help)
          ->type_name(type_of(field))
          ->group(group);
    }
  }
}

DecodingOptions apply_overrides(const DecodingOptions& defaults,
                                const std::vector<std::string>& overrides) {
  nlohmann::ordered_json settings = nlohmann::ordered_json::parse(to_json_text(defaults));
  for (const std::string& setting : overrides) {
    const std::size_t equals = setting.find('=');
    const std::string value = setting.substr(equals + 1);
    auto parsed = nlohmann::ordered_json::parse(value, nullptr, /*allow_exceptions=*/false);
    if (parsed.is_discarded()) parsed = value;
    settings[setting.substr(0, equals)] = parsed;
  }
  return parse_config<DecodingOptions>(settings.dump(), "search options");
}

}  // namespace dragoman
