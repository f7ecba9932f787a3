// dragoman inspect: what a model file holds, and what it attends to.
#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/attention_page.h"
#include "apps/commands.h"
#include "apps/line_output.h"
#include "dragoman/data/archive.h"
#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/inference/models/model_file.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

struct InspectOptions {
  std::string model;
  std::string format = "text";
  bool with_parameters = false;
  std::string attention;  ///< a page to write; empty: none
  std::string source;
  std::string target;
};

struct Size {
  std::int64_t numbers = 0;
  std::int64_t bytes = 0;
};

Size size_of(const ModelFile& file) {
  Size size;
  for (const auto& [name, tensor] : file.weights) {
    size.numbers += tensor.numel();
    size.bytes += static_cast<std::int64_t>(tensor.nbytes());
  }
  return size;
}

/// The training card; what is not JSON is shown as it is, what is nested deeply, which could
/// exhaust the stack, not at all.
Json card_of(const ModelFile& file) {
  if (file.card.empty()) return nullptr;
  const auto is_shallow = [](int depth, Json::parse_event_t, const Json&) { return depth < 64; };
  Json card = Json::parse(file.card, is_shallow, /*allow_exceptions=*/false);
  return card.is_discarded() ? Json(file.card) : card;
}

Json parameters_of(const ModelFile& file) {
  Json list = Json::array();
  for (const auto& [name, tensor] : file.weights)
    list.push_back({{"name", name},
                    {"shape", tensor.sizes().vec()},
                    {"type", std::string(tensor.dtype().name())}});
  return list;
}

std::string as_json(const ModelFile& file, const ArchiveOutline& outline, bool with_parameters) {
  const Size size = size_of(file);
  Json json = {{"path", file.path},
               {"parameters", {{"count", size.numbers}, {"bytes", size.bytes}}},
               {"tokenizer",
                {{"joint", file.is_joint},
                 {"source_pieces", file.encoder.source().size()},
                 {"target_pieces", file.encoder.target().size()}}},
               {"model", Json::parse(to_json_text(file.model))},
               {"decoding", Json::parse(to_json_text(file.decoding))},
               {"methods", outline.methods},
               {"card", card_of(file)}};
  if (with_parameters) json["parameters"]["tensors"] = parameters_of(file);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

template <typename Value>
std::string_view name_of(Value value) {
  for (const auto& [name, named] : names(value))
    if (named == value) return name;
  return "?";
}

std::string stack_line(const ModelConfig& model, const StackConfig& stack) {
  if (model.architecture == Architecture::lstm)
    return fmt::format("{} layers, width {}", stack.layers, stack.dim);
  return fmt::format("{} layers, width {}, {} heads, feed-forward {}", stack.layers, stack.dim,
                     stack.heads, stack.feed_forward);
}

/// "key value, key value" of one flat JSON object.
std::string on_one_line(const Json& object) {
  std::string line;
  for (const auto& [key, value] : object.items())
    line += fmt::format("{}{} {}", line.empty() ? "" : ", ", key,
                        value.is_string() ? value.get<std::string>() : value.dump());
  return line;
}

/// What Python can call.
std::string methods_lines(const ArchiveOutline& outline) {
  if (outline.methods.empty()) return "  methods     none (dragoman export --format torchscript)\n";
  std::string lines = "  methods\n";
  for (const std::string& method : outline.methods)
    lines += "    " + method + "\n";
  return lines;
}

/// A model of another program.
std::string scripted_text(const std::string& path, const ArchiveOutline& outline, bool as_json) {
  std::vector<std::string> names;
  for (const auto& [name, content] : outline.files)
    names.push_back(name);
  if (as_json)
    return Json{{"path", path}, {"methods", outline.methods}, {"files", names}}.dump(
               2, ' ', false, Json::error_handler_t::replace) +
           '\n';
  return fmt::format(
      "{}\n  a TorchScript model of another program (docs/torchscript.md)\n{}  files       {}\n",
      path, methods_lines(outline),
      names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
}

std::string as_text(const ModelFile& file, const ArchiveOutline& outline, bool with_parameters) {
  const Size size = size_of(file);
  const ModelConfig& model = file.model;
  const Json card = card_of(file);
  std::string text = file.path + "\n";
  text += fmt::format("  encoder     {}\n  decoder     {}\n", stack_line(model, model.encoder),
                      stack_line(model, model.decoder));
  text += model.architecture == Architecture::lstm
              ? fmt::format("  network     lstm, {} attention heads", model.decoder.heads)
              : fmt::format("  network     {}-norm, {}, {} positions", name_of(model.norm),
                            name_of(model.activation), name_of(model.positions));
  text += fmt::format(", tied embeddings: {}\n", name_of(model.tied_embeddings));
  text += fmt::format("  parameters  {} in {} tensors, {:.1f} MB as float32; stored as {}\n",
                      size.numbers, file.weights.size(), static_cast<double>(size.bytes) / 1e6,
                      name_of(file.precision));
  text += file.is_joint
              ? fmt::format("  tokeniser   joint, {} pieces\n", file.encoder.source().size())
              : fmt::format("  tokenisers  source {} pieces, target {} pieces\n",
                            file.encoder.source().size(), file.encoder.target().size());
  text += fmt::format("  decoding    {}\n", on_one_line(Json::parse(to_json_text(file.decoding))));
  if (card.is_object()) {
    text += "  card\n";
    for (const auto& [key, value] : card.items())
      text += fmt::format("    {}: {}\n", key,
                          value.is_string() ? value.get<std::string>() : value.dump());
  } else {
    text += fmt::format("  card        {}\n", card.is_null() ? "none" : file.card);
  }
  text += methods_lines(outline);
  if (!with_parameters) return text;
  text += "  parameters\n";
  for (const auto& [name, tensor] : file.weights)
    text += fmt::format("    {} [{}] {}\n", name, fmt::join(tensor.sizes(), ", "),
                        std::string(tensor.dtype().name()));
  return text;
}

void write_attention(const ModelFile& file, const InspectOptions& options) {
  LineOutput output(options.attention);
  const AttentionRecord record = record_attention(file, options.source, options.target);
  if (output.write(attention_page(record, options.model))) output.finish();
  if (options.attention == "-") return;
  fmt::print("{}\n{} source and {} output tokens: {}\n", record.target, record.source_tokens.size(),
             record.target_tokens.size(), options.attention);
}

void inspect(const InspectOptions& options) {
  const ArchiveOutline outline = outline_archive(options.model);
  if (is_scripted(outline)) {
    if (!options.attention.empty())
      throw UsageError(fmt::format(
          "{}: is a scripted model, whose attention nobody can see. Leave --attention out.",
          options.model));
    LineOutput output("-");
    if (output.write(scripted_text(options.model, outline, options.format == "json")))
      output.finish();
    return;
  }
  const ModelFile file = load_model_file(options.model);
  check_weights(file);
  for (const std::string& warning : file.warnings)
    fmt::print(stderr, "warning: {}\n", warning);
  if (!options.attention.empty()) {
    write_attention(file, options);
    return;
  }
  LineOutput output("-");
  if (output.write(options.format == "json" ? as_json(file, outline, options.with_parameters)
                                            : as_text(file, outline, options.with_parameters)))
    output.finish();
}

}  // namespace

void add_inspect(CLI::App& program) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* command =
      program.add_subcommand("inspect", "Check a model file and print what it holds");
  command->add_option("model", options->model, "the model file")->required()->type_name("MODEL.pt");
  command->add_flag("--parameters", options->with_parameters,
                    "list every parameter with its shape");
  command->add_option("--format", options->format, "output format")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("text|json")
      ->capture_default_str();
  CLI::Option* attention =
      command
          ->add_option("--attention", options->attention,
                       "write a page that shows what the model attends to; - is standard output")
          ->type_name("PAGE.html");
  CLI::Option* source = command->add_option("--source", options->source, "the text to translate")
                            ->type_name("TEXT")
                            ->needs(attention);
  attention->needs(source);
  command
      ->add_option("--target", options->target,
                   "its translation (default: what the model makes of it)")
      ->type_name("TEXT")
      ->needs(attention);
  command->callback([options] { inspect(*options); });
}

}  // namespace dragoman
