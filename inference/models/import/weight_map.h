// Moves the tensors of a foreign model to the names of ours and keeps account: each is taken, or
// left with a reason, and nothing else is possible.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace dragoman {

/// What became of the tensors of a foreign model.
struct ImportReport {
  struct Taken {
    std::vector<std::string> from;  ///< several: one above the other
    std::string to;
    std::string change;  ///< what was done to it; empty: nothing
  };
  struct Left {
    std::string name;
    std::string reason;
  };
  std::vector<Taken> taken;
  std::vector<Left> left;
  std::vector<Left> made;  ///< our weights that the original has no tensor for, and what they are
  std::vector<std::string> notes;  ///< on vocabularies and settings, each a sentence
};

enum class Orientation { as_stored, transposed };

class WeightMap {
 public:
  /// `origin` names the file or folder in errors.
  WeightMap(std::map<std::string, at::Tensor> foreign, std::string origin);

  [[nodiscard]] const std::string& origin() const { return origin_; }
  [[nodiscard]] bool has(const std::string& name) const { return foreign_.contains(name); }
  /// Undefined when there is none.
  [[nodiscard]] at::Tensor find(const std::string& name) const;

  /// As float32. What is missing is told by finish().
  void take(const std::string& from, const std::string& to);
  /// The rows of all, or the columns of transposed ones, one above the other.
  void stack(const std::vector<std::string>& from, const std::string& to,
             Orientation orientation = Orientation::as_stored);
  /// [1, N] -> [N].
  void take_row(const std::string& from, const std::string& to);
  /// What `change` makes of it; `what` says so in the report.
  void take_changed(const std::string& from, const std::string& to,
                    const std::function<at::Tensor(const at::Tensor&)>& change,
                    const std::string& what);
  /// A weight that the original does without.
  void make(const std::string& to, const at::Tensor& tensor, const std::string& what);
  /// Does nothing when there is no such tensor.
  void leave(const std::string& name, const std::string& reason);

  /// Throws one ModelError that lists every tensor that is missing, and every one that was neither
  /// taken nor left: a network that has more than we know would compute something else.
  [[nodiscard]] std::map<std::string, at::Tensor> finish(ImportReport& report);

 private:
  /// Null: it is missing, which is noted down.
  const at::Tensor* use(const std::string& name);
  void put(const std::vector<std::string>& from, const std::string& to, const at::Tensor& tensor,
           std::string change);

  std::map<std::string, at::Tensor> foreign_;
  std::string origin_;
  std::map<std::string, at::Tensor> ours_;
  std::set<std::string> used_;
  std::vector<std::string> missing_;
  ImportReport report_;
};

}  // namespace dragoman
