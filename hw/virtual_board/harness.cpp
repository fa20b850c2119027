// C interface of the virtual board: clocks the Verilated accelerator and moves bytes.
//
// With PCIE_BITS the accelerator has AXI4-Stream pins of that width and a second clock (that of the
// DMA core): a cycle below is one of axi_aclk, bytes travel in beats.
//
// ready of what goes in and valid of what comes out are made from registers (no input reaches them
// in the same cycle), so both are sampled before the rising edge and one evaluation per edge is
// enough.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "Vaccelerator.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

#ifndef PCIE_BITS
#define PCIE_BITS 0
#endif

namespace {

constexpr uint64_t BEAT = PCIE_BITS ? PCIE_BITS / 8 : 1; // bytes that pass in a cycle at most
// Periods [ps]: the edges of one clock pass all places between those of the other.
constexpr uint64_t AXI_PERIOD = 8000, CLK_PERIOD = 10006;

struct Board {
    VerilatedContext context;
    std::unique_ptr<Vaccelerator> top;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> trace;
#endif
    uint64_t cycles = 0;
    uint64_t random = 0;
    uint64_t now = 0, clk_edge = 0; // [ps]
    uint32_t stall = 0;             // a stream pauses with probability stall / 256
    uint64_t offered = 0;           // bytes that are on the way in and must stay there

    uint32_t draw() { // xorshift64*
        random ^= random >> 12;
        random ^= random << 25;
        random ^= random >> 27;
        return static_cast<uint32_t>((random * 0x2545F4914F6CDD1DULL) >> 32);
    }

    void eval() {
        top->eval();
#if VM_TRACE
        if (trace) trace->dump(context.time());
        context.timeInc(5);
#endif
    }

#if PCIE_BITS
    void until(uint64_t time) {
        for (; clk_edge <= time; clk_edge += CLK_PERIOD / 2) {
            top->clk = !top->clk;
            eval();
            cycles += top->clk;
        }
    }

    void edge() {
        until(now);
        top->axi_aclk = 1;
        eval();
        until(now + AXI_PERIOD / 2);
        top->axi_aclk = 0;
        eval();
        now += AXI_PERIOD;
    }

    void reset(bool active) {
        top->rst = active;
        top->axi_aresetn = !active;
    }

    void offer(const uint8_t* rx, uint64_t left, bool pause, uint32_t bits) {
        if (!offered && !pause) {
            // Beats that are not full, as at the end of a descriptor, come when streams pause.
            offered = std::min(left, stall ? 1 + bits % BEAT : BEAT);
        }
        std::memset(&top->s_axis_h2c_tdata, bits, BEAT);
        if (offered) std::memcpy(&top->s_axis_h2c_tdata, rx, offered);
        top->s_axis_h2c_tkeep = (uint64_t{1} << offered) - 1;
        top->s_axis_h2c_tlast = bits >> 8;
        top->s_axis_h2c_tvalid = offered != 0;
    }

    uint64_t taken() {
        const uint64_t count = top->s_axis_h2c_tready ? offered : 0;
        offered -= count;
        return count;
    }

    void accept(bool ready) { top->m_axis_c2h_tready = ready; }

    uint64_t given(uint8_t* tx) {
        if (!top->m_axis_c2h_tready || !top->m_axis_c2h_tvalid) return 0;
        uint64_t count = 0;
        while (top->m_axis_c2h_tkeep >> count & 1) ++count;
        std::memcpy(tx, &top->m_axis_c2h_tdata, count);
        return count;
    }

    bool coming() { return top->m_axis_c2h_tvalid; }
#else
    void edge() {
        top->clk = 1;
        eval();
        top->clk = 0;
        eval();
        ++cycles;
    }

    void reset(bool active) { top->rst = active; }

    void offer(const uint8_t* rx, uint64_t left, bool pause, uint32_t bits) {
        offered = left && (offered || !pause);
        // What is on the bus without valid must not matter.
        if (stall) top->rx___05Fpayload = bits;
        if (offered) top->rx___05Fpayload = *rx;
        top->rx___05Fvalid = offered;
    }

    uint64_t taken() {
        const uint64_t count = offered && top->rx___05Fready;
        offered -= count;
        return count;
    }

    void accept(bool ready) { top->tx___05Fready = ready; }

    uint64_t given(uint8_t* tx) {
        if (!top->tx___05Fready || !top->tx___05Fvalid) return 0;
        *tx = top->tx___05Fpayload;
        return 1;
    }

    bool coming() { return top->tx___05Fvalid; }
#endif
};

int random_start = 0; // seed of what the next boards hold before their reset, 0 for all 0

} // namespace

extern "C" {

uint32_t virtual_board_interface() { return 1; }

// Registers that the Verilog gives no value at the start get a random one in the boards that are
// created from now on, if they were Verilated with `--x-initial unique`.
void virtual_board_randomise(uint32_t seed) { random_start = static_cast<int>(seed); }

void* virtual_board_create() {
    auto* board = new Board;
    if (random_start) {
        board->context.randReset(2);
        board->context.randSeed(random_start);
    }
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
    board->offered = 0;
    board->offer(nullptr, 0, true, 0);
    board->accept(false);
    board->reset(true);
    for (int i = 0; i < 4; ++i) board->edge();
    board->reset(false);
    for (int i = 0; i < (PCIE_BITS ? 8 : 1); ++i) board->edge(); // until both synchronisers let go
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
    quiet *= BEAT > 1 ? 8 : 1; // a beat waits for its bytes
    uint64_t taken = 0, given = 0, silent = 0;
    for (uint64_t cycle = 0; cycle < max_cycles; ++cycle) {
        const uint32_t bits = board->stall ? board->draw() : 0;
        const bool pause_rx = (bits & 255) < board->stall;
        const bool pause_tx = (bits >> 8 & 255) < board->stall;
        board->offer(rx + taken, rx_length - taken, pause_rx, bits >> 16);
        board->accept(tx_length - given >= BEAT && !pause_tx);
        const uint64_t out = board->given(tx + given);
        given += out;
        taken += board->taken();
        board->edge();
        silent = out || board->coming() ? 0 : silent + 1;
        if (tx_length - given < BEAT) break;
        if (taken == rx_length && (quiet == 0 || (given && silent >= quiet))) break;
    }
    if (!board->offered) board->offer(nullptr, 0, true, 0);
    board->accept(false);
    *rx_taken = taken;
    *tx_given = given;
}

} // extern "C"
