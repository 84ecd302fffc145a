// Property: a form that is accepted names each field once, and writing its fields gives a form with the same ones.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libdd/net/form.hpp"
#include "libdd/net/target.hpp"

using namespace dd;

namespace {

Result<net::Form> read(std::string body) {
  net::ServerRequest request;
  request.headers.add("Content-Type", "application/x-www-form-urlencoded");
  request.body = std::move(body);
  return net::Form::parse(request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string body(reinterpret_cast<const char*>(data), size);
  const auto fields = net::parse_form_fields(body);
  const auto form = read(body);
  if (!fields || !form) {
    if (form || form.error().code != ErrorCode::malformed) std::abort();
    return 0;
  }
  const auto again = net::parse_form_fields(net::form_text(*fields));
  if (!again || *again != *fields) std::abort();
  for (const auto& [name, value] : *fields) {
    if (std::ranges::count(*fields, name, &std::pair<std::string, std::string>::first) != 1) std::abort();
    if (form->value(name) != value) std::abort();
  }
  return 0;
}
