#include "dragoman/inference/protection.h"

#include <algorithm>
#include <map>

namespace dragoman {
namespace {

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + part.size()))
    ++count;
  return count;
}

}  // namespace

Protection check_protection(const PairEncoder& encoder, const std::string& source,
                            const std::string& output) {
  Protection protection;
  std::map<std::string, std::size_t> wanted;
  for (const TextRange& span : encoder.protected_spans(source)) {
    ++wanted[source.substr(span.begin, span.end - span.begin)];
    ++protection.spans;
  }
  if (wanted.empty()) return protection;
  std::map<std::string, std::size_t> found;
  for (const TextRange& span : encoder.protected_spans(output))
    ++found[output.substr(span.begin, span.end - span.begin)];
  for (const auto& [text, count] : wanted) {
    // A neighbouring character may hide a span from its pattern, but not from a plain search.
    if (std::max(found[text], occurrences(output, text)) < count)
      protection.missing.push_back(text);
    if (found[text] > count) protection.repeated.push_back(text);
  }
  return protection;
}

}  // namespace dragoman
