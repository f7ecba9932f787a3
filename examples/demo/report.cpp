// dragoman-demo-report DATA_FOLDER TRANSLATIONS.jsonl [EXAMPLES]: how many of the words of
// test_copies stand in the translations exactly, and examples of what was copied from where.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "examples/demo/copies.h"

namespace {

using Json = nlohmann::json;

struct Tally {
  int right = 0;
  int all = 0;
  void count(bool is_right) {
    ++all;
    right += is_right ? 1 : 0;
  }
};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(line);
  if (lines.empty()) throw std::runtime_error(path + ": cannot read this file, or it is empty.");
  return lines;
}

void print_tally(const char* what, const Tally& tally) {
  std::printf("  %-30s %5.1f %%  (%d of %d)\n", what,
              tally.all > 0 ? 100.0 * tally.right / tally.all : 0.0, tally.right, tally.all);
}

/// Copied punctuation and single letters would only hide the words.
bool is_worth_showing(const Json& span) {
  const std::string text = span.at("text");
  return text.size() >= 3;
}

void print_example(const std::string& source, const Json& translation) {
  std::vector<demo::CharacterRange> from;
  std::vector<demo::CharacterRange> to;
  std::vector<double> probabilities;
  for (const Json& span : translation.at("copied")) {
    if (!is_worth_showing(span)) continue;
    probabilities.push_back(span.at("probability"));
    from.push_back({span.at("source")[0], span.at("source")[1]});
    to.push_back({span.at("output")[0], span.at("output")[1]});
  }
  const std::string output = translation.at("text");
  std::printf("\n  source      %s\n", demo::marked(source, from).c_str());
  std::printf("  translation %s\n", demo::marked(output, to).c_str());
  for (std::size_t index = 0; index < to.size(); ++index) {
    std::printf("              [%zu] characters %zu-%zu copied from %zu-%zu, probability %.3f\n",
                index + 1, to[index].begin, to[index].end, from[index].begin, from[index].end,
                probabilities[index]);
  }
}

void report(const std::string& base, const std::string& output, std::size_t examples) {
  const std::vector<std::string> sources = lines_of(base + ".en");
  const std::vector<std::string> references = lines_of(base + ".de");
  const std::vector<std::string> words = lines_of(base + ".words");
  std::vector<Json> translations;
  for (const std::string& line : lines_of(output))
    translations.push_back(Json::parse(line));
  if (translations.size() != sources.size())
    throw std::runtime_error(output + ": " + std::to_string(translations.size()) +
                             " lines, not as many as " + base + ".en.");

  std::map<std::string, Tally> by_kind;
  Tally sentences;
  for (std::size_t line = 0; line < sources.size(); ++line) {
    const std::vector<std::string> fields = demo::parts(words[line], '\t');
    const std::string text = translations[line].at("text");
    bool all_right = true;
    for (std::size_t field = 0; field + 1 < fields.size(); field += 2) {
      const bool is_right = demo::is_copied(fields[field + 1], references[line], text);
      by_kind[fields[field]].count(is_right);
      all_right = all_right && is_right;
    }
    sentences.count(all_right);
  }
  for (const auto& [kind, what] :
       {std::pair("name", "invented names"), std::pair("number", "numbers and codes"),
        std::pair("emoji", "emoji"), std::pair("script", "words of other scripts")})
    print_tally(what, by_kind[kind]);
  print_tally("sentences with all words right", sentences);
  for (std::size_t line = 0; line < examples && line < sources.size(); ++line)
    print_example(sources[line], translations[line]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::fputs("Usage: dragoman-demo-report DATA_FOLDER TRANSLATIONS.jsonl [EXAMPLES]\n", stderr);
    return 2;
  }
  try {
    report(std::string(argv[1]) + "/test_copies", argv[2],
           argc == 4 ? std::strtoul(argv[3], nullptr, 10) : 0);
  } catch (const std::exception& error) {  // an unreadable file, or JSON without provenance
    std::fprintf(stderr, "dragoman-demo-report: %s\n", error.what());
    return 3;
  }
  return 0;
}
