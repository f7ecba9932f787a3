#include <ATen/ops/from_blob.h>
#include <caffe2/serialize/inline_container.h>
#include <fmt/core.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/export.h>

#include <exception>
#include <memory>
#include <string_view>

#include "dragoman/data/archive.h"
#include "dragoman/data/archive_manifest.h"
#include "dragoman/data/file.h"

namespace dragoman {

namespace {

/// Part of a dotted name, as an attribute of a TorchScript module may be called.
bool is_attribute_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return !name.empty() && name.find_first_not_of(kAllowed) == std::string_view::npos;
}

/// On the CPU, contiguous, and alone in its storage, since whole storages are written. Copies only
/// what is not contiguous or elsewhere; a part of a larger storage is looked at in place.
at::Tensor as_record(const std::string& name, const at::Tensor& tensor) {
  TORCH_CHECK(tensor.defined() && tensor.layout() == at::kStrided, name,
              ": only dense tensors can be saved");
  const auto dense = tensor.detach().to(at::kCPU).contiguous();
  if (dense.storage().nbytes() == dense.nbytes()) return dense;
  if (dense.numel() == 0) return dense.clone();
  // The deleter keeps the larger storage alive.
  return at::from_blob(
      dense.data_ptr(), dense.sizes(), [dense](void*) {}, dense.options());
}

/// A group of tensors: what is called "encoder.layers.0" is `groups` of `groups` of `groups`.
struct Group {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, Group> groups;
  std::string methods;
};

void check_name(const Group& group, const std::string& name, const std::string& whole) {
  TORCH_CHECK(
      is_attribute_name(name) && !group.tensors.contains(name) && !group.groups.contains(name),
      "the name ", whole, " of a tensor or a group is not possible in an archive");
}

/// The group at a dotted path; made when it is not there.
Group& group_at(Group& root, const std::string& path) {
  if (path.empty()) return root;
  const auto dot = path.rfind('.');
  Group& parent = dot == std::string::npos ? root : group_at(root, path.substr(0, dot));
  const auto name = path.substr(dot == std::string::npos ? 0 : dot + 1);
  if (!parent.groups.contains(name)) check_name(parent, name, path);
  return parent.groups[name];
}

Group as_tree(const Archive& archive) {
  Group root;
  for (const auto& [name, tensor] : archive.tensors) {
    const auto dot = name.rfind('.');
    TORCH_CHECK(dot != 0, "the name ", name, " of a tensor is not possible in an archive");
    Group& group = dot == std::string::npos ? root : group_at(root, name.substr(0, dot));
    const auto own = name.substr(dot == std::string::npos ? 0 : dot + 1);
    check_name(group, own, name);
    group.tensors[own] = as_record(name, tensor);
  }
  for (const auto& [path, source] : archive.methods)
    group_at(root, path).methods = source;
  return root;
}

/// TorchScript modules of groups. Groups with the same names and the same methods have one class,
/// so that a file does not grow with every layer's code.
class ModuleBuilder {
 public:
  torch::jit::Module build(const Group& group, bool is_root = true) {
    std::map<std::string, torch::jit::Module> children;
    for (const auto& [name, child] : group.groups)
      children.emplace(name, build(child, /*is_root=*/false));
    const auto known = classes_.find(signature(group, children));
    const auto new_class = is_root ? "__torch__.dragoman.Model"
                                   : fmt::format("__torch__.dragoman.Part{}", classes_.size());
    torch::jit::Module module = known == classes_.end()
                                    ? torch::jit::Module(c10::QualifiedName(new_class), unit_)
                                    : torch::jit::Module(unit_, known->second);
    for (const auto& [name, child] : children)
      module.register_module(name, child);
    for (const auto& [name, tensor] : group.tensors)
      module.register_parameter(name, tensor, /*is_buffer=*/!tensor.is_floating_point());
    // Python's modules have this flag.
    if (!group.tensors.contains("training") && !group.groups.contains("training"))
      module.register_attribute("training", c10::BoolType::get(), false);
    if (known == classes_.end()) {
      if (!group.methods.empty()) module.define(group.methods);
      classes_.emplace(signature(group, children), module.type());
    }
    return module;
  }

 private:
  static std::string signature(const Group& group,
                               const std::map<std::string, torch::jit::Module>& children) {
    std::string text = group.methods;
    for (const auto& [name, child] : children)
      text += fmt::format("\n{}: {}", name, child.type()->name()->qualifiedName());
    for (const auto& [name, tensor] : group.tensors)
      text += fmt::format("\n{}: {}", name, tensor.is_floating_point() ? "parameter" : "buffer");
    return text;
  }

  std::shared_ptr<torch::jit::CompilationUnit> unit_ =
      std::make_shared<torch::jit::CompilationUnit>();
  std::map<std::string, c10::ClassTypePtr> classes_;
};

}  // namespace

void save_archive(const Archive& archive, const std::string& path) {
  const torch::jit::Module module = ModuleBuilder().build(as_tree(archive));
  torch::jit::ExtraFilesMap files(archive.files.begin(), archive.files.end());
  files[kManifestName] = make_manifest(archive);

  AtomicFile file(path);
  // LibTorch's zip writer is C code underneath: an exception must not pass through it, so the first
  // one waits until the writer is done.
  std::exception_ptr problem;
  const auto write = [&](const void* bytes, std::size_t size) {
    try {
      if (!problem) file.write(bytes, size);
    } catch (...) {
      problem = std::current_exception();
    }
    return size;
  };
  {
    caffe2::serialize::PyTorchStreamWriter writer(write);
    torch::jit::ScriptModuleSerializer serializer(writer);
    serializer.serialize(module, files, /*bytecode_format=*/false,
                         /*save_mobile_debug_info=*/false);
  }
  if (problem) std::rethrow_exception(problem);
  file.commit();
}

}  // namespace dragoman
