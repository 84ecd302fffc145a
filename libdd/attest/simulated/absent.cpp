// Stands in for the simulator in builds without -Dsimulation=true: nothing of it is in the program.
#include "dd/quote_source.hpp"

namespace dd {

Result<std::unique_ptr<QuoteSource>> make_simulated_quote_source(const std::filesystem::path& /*file*/) {
  return fail(ErrorCode::unsupported, "cannot simulate TDX: this build has no simulator (-Dsimulation=true)");
}

}  // namespace dd
