// The body of a form that a page of ours posted.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libdd/net/http_server.hpp"

namespace dd::net {

class Form {
 public:
  /// Errors: unsupported for another Content-Type than application/x-www-form-urlencoded; malformed for a body that is none, or names a field twice.
  [[nodiscard]] static Result<Form> parse(const ServerRequest& request);
  /// "" when there is no such field.
  [[nodiscard]] std::string value(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// "a=1&b=%2F", for a body or a query.
[[nodiscard]] std::string form_text(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace dd::net
