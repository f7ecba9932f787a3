// Where the files of a run lie:
//   config.json  log.jsonl  events.out.tfevents.*  best.pt  averaged.pt
//   checkpoints/index.json  checkpoints/step-N.pt  checkpoints/step-N.state.pt
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dragoman {

class RunDirectory {
 public:
  explicit RunDirectory(std::string path);

  /// Makes the folders. Throws SystemError.
  void create() const;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string log() const { return path_ + "/log.jsonl"; }
  [[nodiscard]] std::string config() const { return path_ + "/config.json"; }
  [[nodiscard]] std::string best() const { return path_ + "/best.pt"; }
  [[nodiscard]] std::string averaged() const { return path_ + "/averaged.pt"; }
  [[nodiscard]] std::string checkpoints() const { return path_ + "/checkpoints"; }
  [[nodiscard]] std::string index() const { return checkpoints() + "/index.json"; }
  [[nodiscard]] std::string model(std::int64_t step) const;
  [[nodiscard]] std::string state(std::int64_t step) const;

  /// Steps that have both files, ascending.
  [[nodiscard]] std::vector<std::int64_t> complete_steps() const;
  /// Steps that have either file, ascending.
  [[nodiscard]] std::vector<std::int64_t> all_steps() const;

 private:
  std::string path_;
};

/// True when `run` holds a checkpoint that training can be resumed from.
[[nodiscard]] bool has_checkpoints(const std::string& run);

}  // namespace dragoman
