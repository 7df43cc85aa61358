// Drives one core of the bench, the module that holds them all: reads operations from a file, offers one every so
// many cycles, and prints what comes out and when.
//
//     Vbench VECTORS INTERVAL
//
// The first line of VECTORS is the core's number and its constant inputs, every further line the operands of one
// operation, in hexadecimal; `-` is a cycle without one. A result is printed as its cycle and its value. Cycle 0 is
// that of the first operation, and what a register takes in cycle c is seen in cycle c + 1.
#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>

#include "Vbench.h"
#include "verilated.h"

namespace {

// Longer than any core's pipeline: enough for what is inside to leave.
constexpr int FLUSH = 256;

template <std::size_t Words>
void put(VlWide<Words>& port, const std::string& hex) {
  for (std::size_t word = 0; word < Words; ++word) {
    const std::size_t end = hex.size() > 8 * word ? hex.size() - 8 * word : 0;
    const std::size_t start = end > 8 ? end - 8 : 0;
    port[word] = start < end ? static_cast<uint32_t>(std::stoul(hex.substr(start, end - start), nullptr, 16)) : 0;
  }
}

template <std::size_t Words>
std::string get(const VlWide<Words>& port) {
  std::string text;
  for (std::size_t word = Words; word-- > 0;) {
    for (int place = 28; place >= 0; place -= 4) text += "0123456789abcdef"[port[word] >> place & 15];
  }
  return text;
}

// One cycle: the result is what is seen before the edge.
void cycle(Vbench& bench, bool valid, long number) {
  bench.valid_in = valid;
  bench.clk = 0;
  bench.eval();
  if (bench.valid_out && number >= 0) std::cout << number << ' ' << get(bench.results) << '\n';
  bench.clk = 1;
  bench.eval();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: Vbench VECTORS INTERVAL\n";
    return 2;
  }
  Verilated::commandArgs(argc, argv);
  std::ifstream file(argv[1]);
  const int interval = std::stoi(argv[2]);
  int select = 0;
  std::string hex;
  file >> select >> hex;

  Vbench bench;
  bench.select = select;
  put(bench.statics, hex);
  for (int idle = 0; idle < FLUSH; ++idle) cycle(bench, false, -1);
  long now = 0;
  while (file >> hex) {
    const bool valid = hex != "-";
    // In a cycle without an operation the operands stay: a core must not take them again.
    if (valid) put(bench.operands, hex);
    cycle(bench, valid, now++);
    for (int idle = 1; idle < interval; ++idle) cycle(bench, false, now++);
  }
  for (int idle = 0; idle < FLUSH; ++idle) cycle(bench, false, now++);
}
