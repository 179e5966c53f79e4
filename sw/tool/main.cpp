// systolith: products, programs and information from the command line.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "commands.hpp"
#include "systolith/systolith.hpp"

int main(int argc, char** argv) {
  CLI::App app{
      "Systolith, an open AI accelerator core: run products on the model, the simulated RTL or a "
      "board"};
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  int status = systolith::tool::kSuccess;
  systolith::tool::add_gemm(app, status);
  systolith::tool::add_demo(app, status);
  systolith::tool::add_info(app, status);
  systolith::tool::add_program_commands(app, status);
  systolith::tool::add_check(app, status);
  systolith::tool::add_counters(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    fmt::print(stderr, "systolith: {}\nTry systolith --help.\n", error.what());
    return systolith::tool::kUsage;
  } catch (const systolith::Error& error) {
    fmt::print(stderr, "systolith: {}\n", error.what());
    return error.status() == SYSTOLITH_NO_DEVICE || error.status() == SYSTOLITH_BAD_ARGUMENT
               ? systolith::tool::kUsage
               : systolith::tool::kFailure;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "systolith: {}\n", error.what());
    return systolith::tool::kUsage;
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "systolith: the host is out of memory\n");
    return systolith::tool::kFailure;
  } catch (const std::exception& error) {
    fmt::print(stderr, "systolith: {}\n", error.what());
    return systolith::tool::kFailure;
  }
  return status;
}
