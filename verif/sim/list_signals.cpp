// What a waveform file holds, for scripts: usage: systolith_list_signals FILE
//   time FIRST LAST         in the file's unit, 1 ns
//   signal NAME WIDTH KIND  full name; KIND: vector, or enum when the file names its values
#include <fmt/format.h>
#include <gtkwave/fstapi.h>

#include <cstring>
#include <string>
#include <vector>

int main(int count, char** arguments) {
  if (count != 2) {
    fmt::print(stderr, "usage: systolith_list_signals FILE\n");
    return 2;
  }
  void* file = fstReaderOpen(arguments[1]);
  if (file == nullptr) {
    fmt::print(stderr, "{}: no waveform in FST format\n", arguments[1]);
    return 1;
  }
  fmt::print("time {} {}\n", fstReaderGetStartTime(file), fstReaderGetEndTime(file));
  std::vector<std::string> scopes;
  bool named = false;
  while (const fstHier* item = fstReaderIterateHier(file)) {
    switch (item->htyp) {
      case FST_HT_SCOPE:
        scopes.emplace_back(item->u.scope.name);
        break;
      case FST_HT_UPSCOPE:
        scopes.pop_back();
        break;
      case FST_HT_ATTRBEGIN:
        // A table is followed by a reference, which has no name, before each of its variables.
        named = item->u.attr.typ == FST_AT_MISC && item->u.attr.subtype == FST_MT_ENUMTABLE &&
                item->u.attr.name_length == 0;
        break;
      case FST_HT_VAR: {
        std::string name;
        for (const std::string& scope : scopes) name += scope + ".";
        // "sum_q[3] [27:0]": viewers join the two.
        for (const char* c = item->u.var.name; *c != 0; ++c)
          if (*c != ' ') name += *c;
        fmt::print("signal {} {} {}\n", name, item->u.var.length, named ? "enum" : "vector");
        named = false;
        break;
      }
      default:
        break;
    }
  }
  fstReaderClose(file);
  return 0;
}
