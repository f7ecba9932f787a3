// A list of what an archive holds, stored in it as an extra file. The checksums of the zip file
// protect each record; the manifest tells when a record is missing, added or renamed.
#pragma once

#include <string>

#include "dragoman/data/archive.h"

namespace dragoman {

inline const std::string kManifestName = "manifest.json";

/// JSON: name, type and shape of every tensor; name, size and CRC-32 of every file.
[[nodiscard]] std::string make_manifest(const Archive& archive);

/// Throws ModelError when `archive` is not what its manifest says. An archive without one, as other
/// programs write it, passes.
void check_manifest(const Archive& archive, const std::string& path);

}  // namespace dragoman
