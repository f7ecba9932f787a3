#include "dragoman/data/word_links.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "dragoman/data/error.h"

namespace dragoman {

namespace {

constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";

std::vector<TextRange> words_in(std::string_view text) {
  std::vector<TextRange> words;
  for (std::size_t at = text.find_first_not_of(kWhiteSpace); at != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(kWhiteSpace, at), text.size());
    words.push_back({at, end});
    at = text.find_first_not_of(kWhiteSpace, end);
  }
  return words;
}

/// "12" -> 12; -1: no number, or one beyond every text.
std::int32_t parse_place(std::string_view text) {
  std::int32_t place = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), place);
  return error == std::errc() && end == text.data() + text.size() ? place : -1;
}

void check_place(std::int32_t place, std::size_t words, std::string_view side,
                 std::string_view link, const std::string& where) {
  if (static_cast<std::size_t>(place) < words) return;
  throw DataError(fmt::format(
      "{}: links {} word {} ({}), but the {} line has {} words, counted from 0. Align the texts "
      "of this very corpus, source-target, as white space separates their words.",
      where, side, place, link, side, words));
}

}  // namespace

std::vector<WordLink> parse_links(std::string_view line, const std::string& where,
                                  std::string_view source, std::string_view target) {
  std::vector<WordLink> links;
  const std::vector<TextRange> written = words_in(line);
  if (written.empty()) return links;
  const std::size_t source_words = words_in(source).size();
  const std::size_t target_words = words_in(target).size();
  for (const TextRange& range : written) {
    const std::string_view text = line.substr(range.begin, range.end - range.begin);
    const std::size_t dash = std::min(text.find('-'), text.size());
    const WordLink link{parse_place(text.substr(0, dash)),
                        parse_place(text.substr(std::min(dash + 1, text.size())))};
    if (link.source < 0 || link.target < 0)
      throw DataError(fmt::format(
          "{}: \"{}\" is no link. Each line lists links SOURCE-TARGET, such as 0-0 1-2, or is "
          "empty.",
          where, text.substr(0, 40)));
    check_place(link.source, source_words, "source", text, where);
    check_place(link.target, target_words, "target", text, where);
    links.push_back(link);
  }
  return links;
}

std::vector<TextRange> words_of_tokens(std::span<const TextRange> ranges, std::string_view text) {
  const std::vector<TextRange> words = words_in(text);
  std::vector<TextRange> result;
  for (const TextRange& range : ranges) {
    const auto first = std::ranges::upper_bound(words, range.begin, {}, &TextRange::end);
    auto last = first;
    while (last != words.end() && last->begin < range.end)
      ++last;
    result.push_back({static_cast<std::size_t>(first - words.begin()),
                      static_cast<std::size_t>(last - words.begin())});
  }
  return result;
}

std::vector<WordLink> token_links(std::span<const WordLink> words,
                                  std::span<const TextRange> source,
                                  std::span<const TextRange> target) {
  const auto holds = [](const TextRange& token, std::int32_t word) {
    return token.begin <= static_cast<std::size_t>(word) &&
           static_cast<std::size_t>(word) < token.end;
  };
  std::vector<WordLink> links;
  for (const WordLink& link : words)
    for (std::size_t to = 0; to < target.size(); ++to) {
      if (!holds(target[to], link.target)) continue;
      for (std::size_t from = 0; from < source.size(); ++from)
        if (holds(source[from], link.source))
          links.push_back({static_cast<std::int32_t>(from), static_cast<std::int32_t>(to)});
    }
  std::ranges::sort(links, {},
                    [](const WordLink& link) { return std::pair(link.target, link.source); });
  links.erase(std::ranges::unique(links).begin(), links.end());
  return links;
}

}  // namespace dragoman
