// ddctl: a fleet from the command line.
#include "libdd/cli/cli.hpp"

int main(int argc, char** argv) { return dd::cli::run(argc, argv); }
