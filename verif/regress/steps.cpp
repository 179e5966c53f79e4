#include "steps.hpp"

namespace systolith::regress {

systolith_command_t command(const library::Step& step) {
  systolith_command_t command = library::encode(step);
  SYSTOLITH_SET(command.words, HEADER_RECORD, 1);
  return command;
}

systolith_command_t nop(bool record, bool interrupt) {
  systolith_command_t command{};
  SYSTOLITH_SET(command.words, HEADER_VERSION, SYSTOLITH_HEADER_VERSION_VALUE);
  SYSTOLITH_SET(command.words, HEADER_OPCODE, SYSTOLITH_OPCODE_NOP);
  SYSTOLITH_SET(command.words, HEADER_RECORD, record ? 1 : 0);
  SYSTOLITH_SET(command.words, HEADER_INTERRUPT, interrupt ? 1 : 0);
  return command;
}

}  // namespace systolith::regress
