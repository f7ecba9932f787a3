// Which methods a class has in the code of a TorchScript archive, from its text alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

/// `code`: a file of the archive's code folder. -> of class `name` each method without self, as
/// "encode(ids: Tensor) -> List[Tensor]", in their order; those that begin with _ are left out.
[[nodiscard]] std::vector<std::string> script_signatures(std::string_view code,
                                                         std::string_view name);

}  // namespace dragoman
