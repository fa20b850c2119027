// Clocks ecp5_bench.sv or xc7_bench.sv; arguments: pin to misuse and fault, 0 for none.

#include <cstdlib>

#include "Vbench.h"
#include "verilated.h"

extern "C" void netlist_choose_fault(int fault);

static int pin = 0;

extern "C" int bench_pin() { return pin; }

int main(int, char** arguments) {
    pin = std::atoi(arguments[1]);
    netlist_choose_fault(std::atoi(arguments[2]));
    VerilatedContext context;
    context.randReset(2);
    Vbench bench(&context);
    bench.clk = 0;
    bench.eval();
    while (!context.gotFinish()) {
        bench.clk = !bench.clk;
        bench.eval();
        context.timeInc(1);
    }
    bench.final();
    return 0;
}
