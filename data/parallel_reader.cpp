#include "dragoman/data/parallel_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/pair_format.h"
#include "dragoman/data/piece_text.h"

namespace dragoman {

namespace {

constexpr std::string_view kStandardInput = "-";

CorpusFormat detect_format(std::string_view path) {
  if (path.ends_with(".gz")) path.remove_suffix(3);
  if (path.ends_with(".tsv")) return CorpusFormat::tsv;
  if (path.ends_with(".jsonl") || path.ends_with(".json")) return CorpusFormat::jsonl;
  return CorpusFormat::text;
}

std::vector<std::shared_ptr<const InputFile>> open_files(const CorpusConfig& corpus) {
  std::vector<std::shared_ptr<const InputFile>> files;
  files.push_back(InputFile::open(corpus.source, InputFile::Access::seekable));
  if (!corpus.target.empty()) {
    files.push_back(InputFile::open(corpus.target, InputFile::Access::seekable));
  }
  return files;
}

std::string with_space(const std::string& prefix) {
  return prefix.empty() || prefix.ends_with(' ') ? prefix : prefix + ' ';
}

/// Puts `prefix`, which ends in a space, before `text`, and moves the links to its words.
void add_prefix(const std::string& prefix, std::string& text, std::vector<WordLink>& links,
                std::int32_t WordLink::*side) {
  if (prefix.empty() || text.empty()) return;
  std::int32_t words = 0;
  for (std::size_t place = 0; place < prefix.size(); ++place)
    if (!is_space(prefix[place]) && (place == 0 || is_space(prefix[place - 1]))) ++words;
  text.insert(0, prefix);
  for (WordLink& link : links)
    link.*side += words;
}

}  // namespace

CorpusFormat format_of(const CorpusConfig& corpus) {
  if (corpus.source.empty()) {
    throw UsageError("corpus: source is empty. Name the file with the source lines.");
  }
  if (corpus.source == kStandardInput || corpus.target == kStandardInput) {
    if (corpus.format != CorpusFormat::tsv && corpus.format != CorpusFormat::jsonl) {
      throw UsageError(
          "corpus: standard input has no file name to tell its format. Set format to tsv or "
          "jsonl.");
    }
  }
  const CorpusFormat format =
      corpus.format == CorpusFormat::detect ? detect_format(corpus.source) : corpus.format;
  if (format == CorpusFormat::text && corpus.target.empty()) {
    throw UsageError(
        fmt::format("corpus {}: target is empty. Name the file with the target lines, or "
                    "set format to tsv or jsonl when this file holds both sides.",
                    corpus.source));
  }
  if (format != CorpusFormat::text && !corpus.target.empty()) {
    throw UsageError(
        fmt::format("corpus {}: a TSV or JSONL file holds both sides, but target is {}. "
                    "Leave target empty, or set format to text.",
                    corpus.source, corpus.target));
  }
  return format;
}

CorpusConfig with_folder(CorpusConfig corpus, const std::string& folder) {
  for (auto* path : {&corpus.source, &corpus.target, &corpus.alignment}) {
    if (folder.empty() || path->empty() || *path == kStandardInput) continue;
    *path = (std::filesystem::path(folder) / *path).string();
  }
  return corpus;
}

std::vector<std::string> prefix_tags(const std::vector<CorpusConfig>& corpora) {
  std::vector<std::string> tags;
  for (const CorpusConfig& corpus : corpora)
    for (const std::string& prefix : {corpus.source_prefix, corpus.target_prefix}) {
      std::istringstream words(prefix);
      for (std::string word; words >> word;)
        if (word.size() > 2 && word.front() == '<' && word.back() == '>' &&
            std::ranges::find(tags, word) == tags.end())
          tags.push_back(word);
    }
  return tags;
}

std::string names_of(const std::vector<std::shared_ptr<const InputFile>>& files) {
  std::string names;
  for (const auto& file : files)
    names += (names.empty() ? "" : " and ") + file->name();
  return names;
}

std::string different_counts(const std::string& source, std::int64_t source_lines,
                             const std::string& target, std::int64_t target_lines) {
  return fmt::format(
      "{}: has {} lines, but {} has {}. Line n of one must belong to line n of the other: give "
      "files of the same length.",
      source, source_lines, target, target_lines);
}

ParallelReader::ParallelReader(const CorpusConfig& corpus, InvalidText invalid_text)
    : format_(format_of(corpus)),
      source_prefix_(with_space(corpus.source_prefix)),
      target_prefix_(with_space(corpus.target_prefix)),
      invalid_text_(invalid_text),
      files_(open_files(corpus)),
      source_(files_.front(), invalid_text) {
  if (files_.size() > 1) target_.emplace(files_.back(), invalid_text);
  if (corpus.alignment.empty()) return;
  alignment_file_ = InputFile::open(corpus.alignment, InputFile::Access::seekable);
  alignment_.emplace(alignment_file_);
}

bool ParallelReader::next(std::string& source, std::string& target) {
  const bool has_pair = read(source, target);
  if (alignment_) {
    if (alignment_->next(line_) != has_pair) fail_links(has_pair);
    if (has_pair) links_ = parse_links(line_, alignment_->where(), source, target);
  }
  if (!has_pair) return false;
  add_prefix(source_prefix_, source, links_, &WordLink::source);
  add_prefix(target_prefix_, target, links_, &WordLink::target);
  return true;
}

bool ParallelReader::read(std::string& source, std::string& target) {
  if (format_ == CorpusFormat::text) return read_aligned(source, target);
  if (!source_.next(line_)) return false;
  if (format_ == CorpusFormat::tsv) {
    split_tsv(line_, source_.where(), source, target);
  } else {
    repaired_in_json_ += parse_json_pair(line_, source_.where(), invalid_text_, source, target);
  }
  return true;
}

bool ParallelReader::read_aligned(std::string& source, std::string& target) {
  const bool has_source = source_.next(source);
  const bool has_target = target_->next(target);
  if (has_source != has_target) fail_count(!has_source);
  return has_source;
}

void ParallelReader::fail_count(bool source_ended) {
  LineReader& longer = source_ended ? *target_ : source_;
  while (longer.next(line_)) {
  }
  throw DataError(different_counts(files_.front()->name(), source_.line_number(),
                                   files_.back()->name(), target_->line_number()));
}

void ParallelReader::fail_links(bool links_ended) {
  const std::int64_t links = alignment_->line_number();
  std::string source;
  std::string target;
  std::int64_t pairs = source_.line_number();
  while (links_ended && read(source, target))
    ++pairs;
  std::int64_t lines = links;
  while (!links_ended && alignment_->next(line_))
    ++lines;
  throw DataError(different_counts(files_.front()->name(), pairs, alignment_file_->name(), lines));
}

ParallelReader::Position ParallelReader::position() const {
  return {source_.line_number(), source_.offset(), target_ ? target_->offset() : 0,
          alignment_ ? alignment_->offset() : 0};
}

void ParallelReader::seek(const Position& position) {
  source_.seek(position.source_offset, position.line);
  if (target_) target_->seek(position.target_offset, position.line);
  if (alignment_) alignment_->seek(position.alignment_offset, position.line);
}

std::int64_t ParallelReader::repaired() const {
  return repaired(0) + repaired(1);
}

std::int64_t ParallelReader::repaired(std::size_t file) const {
  if (file == 0) return source_.repaired() + repaired_in_json_;
  return target_ ? target_->repaired() : 0;
}

ParallelLines read_parallel(const CorpusConfig& corpus, InvalidText invalid_text) {
  ParallelReader reader(corpus, invalid_text);
  ParallelLines lines;
  std::string source;
  std::string target;
  while (reader.next(source, target)) {
    lines.source.push_back(source);
    lines.target.push_back(target);
  }
  return lines;
}

}  // namespace dragoman
