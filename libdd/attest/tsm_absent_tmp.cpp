#include "dd/quote_source.hpp"
namespace dd {
Result<std::unique_ptr<QuoteSource>> make_tsm_quote_source(TsmPaths) { return fail(ErrorCode::unsupported, "cannot use configfs-tsm yet"); }
}  // namespace dd
