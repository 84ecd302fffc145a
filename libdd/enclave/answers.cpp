#include "libdd/enclave/answers.hpp"

#include <nlohmann/json.hpp>

#include "libdd/net/error_body.hpp"

namespace dd::enclave {

std::string answer_line(Result<Json> outcome) {
  if (!outcome) return net::line_error(outcome.error());
  (*outcome)["ok"] = true;
  return to_text(*outcome);
}

}  // namespace dd::enclave
