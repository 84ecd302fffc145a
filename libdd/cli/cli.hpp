// ddctl: one file per verb. main() only calls run().
#pragma once

namespace dd::cli {

/// Parses the command line, runs the verb, returns the exit code: 0 ok, 1 failure, 2 usage, 10 verification rejected, 20 unsupported,
/// 30 malformed input, 124 timeout.
[[nodiscard]] int run(int argc, char** argv);

}  // namespace dd::cli
