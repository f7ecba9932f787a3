#include "dragoman/data/shortlist.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/data/pair_encoder.h"

namespace dragoman {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is written as memory has it");

/// Head, frequent words, begins, candidates; all little-endian. The checksum is of what is behind
/// it.
struct ShortlistHead {
  char magic[8] = {'D', 'r', 'a', 'g', 'S', 'h', 'o', '1'};
  std::uint32_t checksum = 0;
  std::uint32_t source_words = 0;
  std::uint32_t target_words = 0;
  std::uint32_t frequent = 0;
  std::uint64_t candidates = 0;
  std::uint64_t tokenizers = 0;
};
static_assert(sizeof(ShortlistHead) == 40);
constexpr std::size_t kChecked = offsetof(ShortlistHead, checksum) + sizeof(std::uint32_t);
constexpr std::uint32_t kMostWords = 100'000'000;

std::uint32_t shortlist_checksum(std::string_view content) {
  return static_cast<std::uint32_t>(crc32_z(
      0, reinterpret_cast<const Bytef*>(content.data() + kChecked), content.size() - kChecked));
}

template <class Value>
void append_numbers(const std::vector<Value>& values, std::string& content) {
  content.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value));
}

template <class Value>
std::vector<Value> take_numbers(std::string_view& content, std::size_t count) {
  std::vector<Value> values(count);
  std::memcpy(values.data(), content.data(), count * sizeof(Value));
  content.remove_prefix(count * sizeof(Value));
  return values;
}

void sort_unique(std::vector<std::int32_t>& words) {
  std::ranges::sort(words);
  words.erase(std::ranges::unique(words).begin(), words.end());
}

/// Words that are sorted, each once, below `limit`.
bool are_words(std::span<const std::int32_t> words, std::int64_t limit) {
  return std::ranges::adjacent_find(words, std::greater_equal()) == words.end() &&
         (words.empty() || (words.front() >= 0 && words.back() < limit));
}

}  // namespace

Shortlist::Shortlist(std::uint64_t tokenizers, std::int64_t target_words,
                     std::vector<std::int32_t> frequent,
                     const std::vector<std::vector<std::int32_t>>& candidates)
    : tokenizers_(tokenizers), target_words_(target_words), frequent_(std::move(frequent)) {
  sort_unique(frequent_);
  for (std::vector<std::int32_t> words : candidates) {
    sort_unique(words);
    candidates_.insert(candidates_.end(), words.begin(), words.end());
    begins_.push_back(static_cast<std::uint32_t>(candidates_.size()));
  }
}

std::string Shortlist::content() const {
  const ShortlistHead head{.source_words = static_cast<std::uint32_t>(source_words()),
                           .target_words = static_cast<std::uint32_t>(target_words_),
                           .frequent = static_cast<std::uint32_t>(frequent_.size()),
                           .candidates = candidates_.size(),
                           .tokenizers = tokenizers_};
  std::string content(reinterpret_cast<const char*>(&head), sizeof head);
  append_numbers(frequent_, content);
  append_numbers(begins_, content);
  append_numbers(candidates_, content);
  const std::uint32_t checksum = shortlist_checksum(content);
  std::memcpy(content.data() + offsetof(ShortlistHead, checksum), &checksum, sizeof checksum);
  return content;
}

void Shortlist::save(const std::string& path) const {
  write_file_atomically(path, content());
}

Shortlist Shortlist::load(const std::string& path) {
  const std::string content = read_file(path);
  const auto refuse = [&path](const char* what) -> DataError {
    return DataError(
        fmt::format("{}: {}. Build the shortlist again with `dragoman shortlist`.", path, what));
  };
  ShortlistHead head;
  const ShortlistHead ours;
  if (content.size() < sizeof head ||
      std::memcmp(content.data(), ours.magic, sizeof head.magic) != 0)
    throw refuse("is no shortlist of this version");
  std::memcpy(&head, content.data(), sizeof head);
  std::string_view rest(content);
  rest.remove_prefix(sizeof head);
  const std::uint64_t numbers =
      std::uint64_t{head.frequent} + head.source_words + 1 + head.candidates;
  if (head.source_words > kMostWords || head.target_words > kMostWords ||
      head.candidates > content.size() || numbers * sizeof(std::int32_t) != rest.size())
    throw refuse("is truncated or damaged");
  if (shortlist_checksum(content) != head.checksum)
    throw refuse("is damaged (its checksum is wrong)");

  Shortlist list;
  list.tokenizers_ = head.tokenizers;
  list.target_words_ = head.target_words;
  list.frequent_ = take_numbers<std::int32_t>(rest, head.frequent);
  list.begins_ = take_numbers<std::uint32_t>(rest, std::size_t{head.source_words} + 1);
  list.candidates_ = take_numbers<std::int32_t>(rest, static_cast<std::size_t>(head.candidates));
  bool fits = list.begins_.front() == 0 && list.begins_.back() == head.candidates &&
              std::ranges::is_sorted(list.begins_) && are_words(list.frequent_, list.target_words_);
  for (std::int64_t word = 0; fits && word < list.source_words(); ++word)
    fits = are_words(list.candidates(word), list.target_words_);
  if (!fits) throw refuse("holds numbers that are out of range");
  return list;
}

std::span<const std::int32_t> Shortlist::candidates(std::int64_t source) const {
  const auto word = static_cast<std::size_t>(source);
  return std::span(candidates_).subspan(begins_[word], begins_[word + 1] - begins_[word]);
}

std::vector<std::int64_t> Shortlist::select(std::span<const std::int64_t> source,
                                            std::span<const std::int64_t> needed) const {
  std::vector<bool> is_seen(static_cast<std::size_t>(source_words()));
  std::vector<bool> is_chosen(static_cast<std::size_t>(target_words_));
  const auto choose = [&](std::int64_t word) {
    if (word >= 0 && word < target_words_) is_chosen[static_cast<std::size_t>(word)] = true;
  };
  std::ranges::for_each(frequent_, choose);
  std::ranges::for_each(needed, choose);
  for (const std::int64_t word : source) {
    if (word < 0 || word >= source_words() || is_seen[static_cast<std::size_t>(word)]) continue;
    is_seen[static_cast<std::size_t>(word)] = true;
    std::ranges::for_each(candidates(word), choose);
  }
  std::vector<std::int64_t> chosen;
  for (std::int64_t word = 0; word < target_words_; ++word)
    if (is_chosen[static_cast<std::size_t>(word)]) chosen.push_back(word);
  return chosen;
}

std::uint64_t tokenizer_hash(const PairEncoder& encoder) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&hash](std::string_view bytes) {
    for (const char byte : bytes)
      hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3ULL;
  };
  for (const Tokenizer* side : {&encoder.source(), &encoder.target()}) {
    mix(std::to_string(side->bytes().size()) + ":");
    mix(side->bytes());
  }
  return hash;
}

}  // namespace dragoman
