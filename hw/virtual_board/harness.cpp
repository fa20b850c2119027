// C interface of the virtual board: clocks the Verilated accelerator and moves bytes.
//
// rx ready and tx valid come from registers (no input reaches them in the same cycle), so both are
// sampled before the rising edge and one evaluation per edge is enough.

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "Vaccelerator.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

struct Board {
    VerilatedContext context;
    std::unique_ptr<Vaccelerator> top;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> trace;
#endif
    uint64_t cycles = 0;
    uint64_t random = 0;
    uint32_t stall = 0;   // a stream pauses with probability stall / 256
    bool offered = false; // rx valid is up and must stay up

    uint32_t draw() { // xorshift64*
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        return static_cast<uint32_t>((random * 0x2545F4914F6CDD1DULL) >> 32);
    }

    void edge() {
        top->clk = 1;
        top->eval();
#if VM_TRACE
        if (trace) trace->dump(context.time());
        context.timeInc(5);
#endif
        top->clk = 0;
        top->eval();
#if VM_TRACE
        if (trace) trace->dump(context.time());
        context.timeInc(5);
#endif
        ++cycles;
    }
};

} // namespace

extern "C" {

uint32_t virtual_board_interface() { return 1; }

void* virtual_board_create() {
    auto* board = new Board;
#if VM_TRACE
    board->context.traceEverOn(true);
#endif
    board->top = std::make_unique<Vaccelerator>(&board->context, "accelerator");
    return board;
}

void virtual_board_destroy(void* handle) {
    auto* board = static_cast<Board*>(handle);
#if VM_TRACE
    if (board->trace) board->trace->close();
#endif
    board->top->final();
    delete board;
}

// Memories keep their contents, as on a board.
void virtual_board_reset(void* handle) {
    auto* board = static_cast<Board*>(handle);
    board->top->rx___05Fvalid = 0;
    board->top->tx___05Fready = 0;
    board->top->rst = 1;
    for (int i = 0; i < 4; ++i) board->edge();
    board->top->rst = 0;
    board->edge();
    board->offered = false;
}

// Pauses of both streams, stall / 256 of all cycles; 0 switches them off.
void virtual_board_stall(void* handle, uint32_t stall, uint64_t seed) {
    auto* board = static_cast<Board*>(handle);
    board->stall = stall;
    board->random = seed * 0x9E3779B97F4A7C15ULL + 0x123456789ABCDEFULL;
    if (board->random == 0) board->random = 1;
}

int virtual_board_trace(void* handle, const char* path) {
#if VM_TRACE
    auto* board = static_cast<Board*>(handle);
    board->trace = std::make_unique<VerilatedVcdC>();
    board->top->trace(board->trace.get(), 99);
    board->trace->open(path);
    return 0;
#else
    (void)handle;
    (void)path;
    return 1;
#endif
}

uint64_t virtual_board_cycles(void* handle) { return static_cast<Board*>(handle)->cycles; }

// Alive, training and error in bits 0 to 2.
uint32_t virtual_board_lights(void* handle) {
    auto* top = static_cast<Board*>(handle)->top.get();
    return top->alive | top->training << 1 | top->error << 2;
}

// Run until `max_cycles` are over, `tx` is full, or all of `rx` is taken and what was sent is
// followed by `quiet` cycles without a byte. `quiet` 0 also stops as soon as `rx` is taken.
void virtual_board_run(void* handle, uint64_t max_cycles, uint64_t quiet, const uint8_t* rx,
                       uint64_t rx_length, uint64_t* rx_taken, uint8_t* tx, uint64_t tx_length,
                       uint64_t* tx_given) {
    auto* board = static_cast<Board*>(handle);
    auto* top = board->top.get();
    uint64_t taken = 0, given = 0, silent = 0;
    for (uint64_t cycle = 0; cycle < max_cycles; ++cycle) {
        bool valid = taken < rx_length;
        bool ready = given < tx_length;
        if (board->stall) {
            const uint32_t bits = board->draw();
            if (!board->offered && (bits & 255) < board->stall) valid = false;
            if ((bits >> 8 & 255) < board->stall) ready = false;
            // What is on the bus without valid must not matter.
            top->rx___05Fpayload = bits >> 16;
        }
        if (valid) top->rx___05Fpayload = rx[taken];
        top->rx___05Fvalid = valid;
        top->tx___05Fready = ready;
        const bool take = valid && top->rx___05Fready;
        const bool give = ready && top->tx___05Fvalid;
        if (give) tx[given++] = top->tx___05Fpayload;
        taken += take;
        board->offered = valid && !take;
        board->edge();
        silent = give || top->tx___05Fvalid ? 0 : silent + 1;
        if (given == tx_length) break;
        if (taken == rx_length && (quiet == 0 || (given && silent >= quiet))) break;
    }
    top->rx___05Fvalid = 0;
    top->tx___05Fready = 0;
    *rx_taken = taken;
    *tx_given = given;
}

} // extern "C"
