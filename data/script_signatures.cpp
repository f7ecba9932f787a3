#include "dragoman/data/script_signatures.h"

#include <cstddef>

namespace dragoman {
namespace {

constexpr std::string_view kMethod = "\n  def ";

/// A header that may span lines, on one line.
std::string on_one_line_of_code(std::string_view text) {
  std::string line;
  for (const char part : text) {
    const bool is_blank = part == ' ' || part == '\n';
    if (is_blank && (line.empty() || line.back() == ' ' || line.back() == '(')) continue;
    line += is_blank ? ' ' : part;
  }
  return line;
}

/// "encode(self: __torch__.Model, ids: Tensor)" -> "encode(ids: Tensor)".
std::string without_self(const std::string& signature) {
  const std::size_t open = signature.find('(');
  if (open == std::string::npos || !signature.substr(open).starts_with("(self")) return signature;
  const std::size_t end = signature.find_first_of(",)", open);
  if (end == std::string::npos) return signature;
  std::size_t rest = end;
  if (signature[end] == ',') rest = signature.find_first_not_of(", ", end);
  if (rest == std::string::npos) return signature;
  return signature.substr(0, open + 1) + signature.substr(rest);
}

}  // namespace

std::vector<std::string> script_signatures(std::string_view code, std::string_view name) {
  std::vector<std::string> signatures;
  std::string opening = "class ";
  opening.append(name).append("(");
  std::size_t begin = code.find(opening);
  while (begin != std::string_view::npos && begin > 0 && code[begin - 1] != '\n')
    begin = code.find(opening, begin + 1);
  if (begin == std::string_view::npos) return signatures;
  const std::string_view body = code.substr(begin, code.find("\nclass ", begin) - begin);
  for (std::size_t place = body.find(kMethod); place != std::string_view::npos;
       place = body.find(kMethod, place + 1)) {
    const std::size_t header = place + kMethod.size();
    const std::size_t end = body.find(":\n", header);
    if (end == std::string_view::npos || body[header] == '_') continue;
    signatures.push_back(without_self(on_one_line_of_code(body.substr(header, end - header))));
  }
  return signatures;
}

}  // namespace dragoman
