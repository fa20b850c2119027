// Cells of an ECP5 in the modes that synth_ecp5 makes of this gateware. Another value of a
// parameter ends the compilation, another use of a pin the simulation.
//
// Sources. Logic: yosys' cells_sim.v, with which the tests compare; here it is written for speed.
// Block RAM and multiplier, which yosys' library has without behaviour: yosys, techlibs/lattice
// (brams_16kd.txt, brams_map_16kd.v, dsp_map_18x18.v: modes, pins, initial values) and the older
// techlibs/ecp5 (brams_connect.py, brams_init.py: narrow ports); nextpnr-ecp5, pack.cc (which pins
// of DP16KD are the 36 bits of PDPW16KD).

module LUT4 (input A, B, C, D, output Z);
    parameter [15:0] INIT = 0;
    assign Z = INIT[{D, C, B, A}];
endmodule

// A look-up table that a test may turn into its complement.
module LUT4_FAULT (input A, B, C, D, output Z);
    parameter [15:0] INIT = 0;
    parameter FAULT = 0;
    assign Z = INIT[{D, C, B, A}] ^ (faults::chosen == FAULT);
endmodule

module PFUMX (input ALUT, BLUT, C0, output Z);
    assign Z = C0 ? ALUT : BLUT;
endmodule

module L6MUX21 (input D0, D1, SD, output Z);
    assign Z = SD ? D1 : D0;
endmodule

// Two look-up tables and their carries.
module CCU2C (input CIN, A0, B0, C0, D0, A1, B1, C1, D1, output S0, S1, COUT);
    parameter [15:0] INIT0 = 0, INIT1 = 0;
    parameter INJECT1_0 = "YES", INJECT1_1 = "YES";
    `ONLY(INJECT1_0 == "NO", ("CCU2C: INJECT1_0 must be NO, not %s", INJECT1_0))
    `ONLY(INJECT1_1 == "NO", ("CCU2C: INJECT1_1 must be NO, not %s", INJECT1_1))

    wire half0 = INIT0[{D0, C0, B0, A0}], half1 = INIT1[{D1, C1, B1, A1}];
    wire carry = half0 ? CIN : INIT0[{2'd0, B0, A0}];
    assign S0 = half0 ^ CIN;
    assign S1 = half1 ^ carry;
    assign COUT = half1 ? carry : INIT1[{2'd0, B1, A1}];
endmodule

// A chip starts it at REGSET. With RANDOM_START it starts as the simulator likes, so that tests see
// whether something that is not reset matters.
module TRELLIS_FF (input CLK, LSR, CE, DI, output reg Q);
    parameter CEMUX = "1", CLKMUX = "CLK", LSRMUX = "LSR", REGSET = "RESET";
    parameter SRMODE = "LSR_OVER_CE";
    parameter GSR = "ENABLED"; // at power-up only
    `ONLY(CEMUX == "1" || CEMUX == "CE" || CEMUX == "INV",
          ("TRELLIS_FF: CEMUX must be 1, CE or INV, not %s", CEMUX))
    `ONLY(CLKMUX == "CLK", ("TRELLIS_FF: CLKMUX must be CLK, not %s", CLKMUX))
    `ONLY(LSRMUX == "LSR", ("TRELLIS_FF: LSRMUX must be LSR, not %s", LSRMUX))
    `ONLY(SRMODE == "LSR_OVER_CE" || SRMODE == "ASYNC",
          ("TRELLIS_FF: SRMODE must be LSR_OVER_CE or ASYNC, not %s", SRMODE))

    wire enable = CEMUX == "1" || (CEMUX == "INV" ? !CE : CE);
`ifndef RANDOM_START
    initial Q = REGSET == "SET";
`endif
    generate
        if (SRMODE == "ASYNC") begin
            always @(posedge CLK, posedge LSR)
                if (LSR) Q <= REGSET == "SET";
                else if (enable) Q <= DI;
        end else begin
            always @(posedge CLK)
                if (LSR) Q <= REGSET == "SET";
                else if (enable) Q <= DI;
        end
    endgenerate
endmodule

// Memory of 16 words in look-up tables: written with the clock, read at once.
module TRELLIS_DPR16X4 (input [3:0] DI, WAD, RAD, input WRE, WCK, output [3:0] DO);
    parameter WCKMUX = "WCK", WREMUX = "WRE";
    parameter [63:0] INITVAL = 0;
    `ONLY(WCKMUX == "WCK", ("TRELLIS_DPR16X4: WCKMUX must be WCK, not %s", WCKMUX))
    `ONLY(WREMUX == "WRE", ("TRELLIS_DPR16X4: WREMUX must be WRE, not %s", WREMUX))

    reg [3:0] memory [0:15];
    integer word;
    initial for (word = 0; word < 16; word = word + 1) memory[word] = INITVAL[4 * word +: 4];
    always @(posedge WCK) if (WRE) memory[WAD] <= DI;
    assign DO = memory[RAD];
endmodule

// Block RAM of 2048 bytes of 9 bits, one clock, output registers that always load, no output reset.
//
// A port is 1, 2, 4 (8 bits of a byte used), 9, 18 or 36 bits wide. AD counts bits, 8 to a byte:
// AD[13:3] is the byte. The lowest two or four bits enable the bytes of a write of 18 or 36 bits.
// 36 bits: A writes {DIB, DIA}, B reads {DOB, DOA}. Otherwise A shows what it reads, and in a write
// what was there (READBEFOREWRITE) or its last output (NORMAL).
//
// What B reads while A writes the same bits is specified nowhere: the complement of the old bits
// comes out, so that nobody can rely on it. B does not write. The output reset must stay 0: yosys
// makes use of it, but on a chip such a memory was seen to read 0 for ever (thejefflarson/
// little-cpu, pull request 272).
module DP16KD (
    input CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
    input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8,
    input DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
    output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8,
    output DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,
    input CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8,
    input DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
    output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8,
    output DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);
    parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
    parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG";
    parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL"; // B never writes
    parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000";
    parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB";
    parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC"; // of the output reset, which is 0
    parameter GSR = "ENABLED";                                  // resets outputs at power-up only
    parameter [319:0]
        INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0,
        INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0, INITVAL_08 = 0, INITVAL_09 = 0,
        INITVAL_0A = 0, INITVAL_0B = 0, INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0,
        INITVAL_0F = 0, INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0,
        INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0, INITVAL_18 = 0,
        INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0, INITVAL_1C = 0, INITVAL_1D = 0,
        INITVAL_1E = 0, INITVAL_1F = 0, INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0,
        INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0,
        INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0,
        INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0, INITVAL_30 = 0, INITVAL_31 = 0,
        INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0,
        INITVAL_37 = 0, INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0,
        INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;

    `ONLY(DATA_WIDTH_A inside {1, 2, 4, 9, 18, 36},
          ("DP16KD: DATA_WIDTH_A must be 1, 2, 4, 9, 18 or 36, not %0d", DATA_WIDTH_A))
    `ONLY(DATA_WIDTH_B inside {1, 2, 4, 9, 18, 36},
          ("DP16KD: DATA_WIDTH_B must be 1, 2, 4, 9, 18 or 36, not %0d", DATA_WIDTH_B))
    `ONLY(DATA_WIDTH_B != 36 || DATA_WIDTH_A == 36,
          ("DP16KD: DATA_WIDTH_A must be 36 as DATA_WIDTH_B is, not %0d", DATA_WIDTH_A))
    `ONLY(REGMODE_A == "NOREG" || REGMODE_A == "OUTREG",
          ("DP16KD: REGMODE_A must be NOREG or OUTREG, not %s", REGMODE_A))
    `ONLY(REGMODE_B == "NOREG" || REGMODE_B == "OUTREG",
          ("DP16KD: REGMODE_B must be NOREG or OUTREG, not %s", REGMODE_B))
    `ONLY(DATA_WIDTH_B != 36 || REGMODE_A == REGMODE_B,
          ("DP16KD: REGMODE_A must be %s as REGMODE_B is", REGMODE_B))
    `ONLY(WRITEMODE_A == "NORMAL" || WRITEMODE_A == "READBEFOREWRITE",
          ("DP16KD: WRITEMODE_A must be NORMAL or READBEFOREWRITE, not %s", WRITEMODE_A))
    `ONLY(CSDECODE_A == "0b000", ("DP16KD: CSDECODE_A must be 0b000, not %s", CSDECODE_A))
    `ONLY(CSDECODE_B == "0b000", ("DP16KD: CSDECODE_B must be 0b000, not %s", CSDECODE_B))
    `ONLY(CLKAMUX == "CLKA", ("DP16KD: CLKAMUX must be CLKA, not %s", CLKAMUX))
    `ONLY(CLKBMUX == "CLKB", ("DP16KD: CLKBMUX must be CLKB, not %s", CLKBMUX))

    wire [13:0] ada = {
        ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0
    };
    wire [13:0] adb = {
        ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0
    };
    wire [35:0] written = {
        DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5,
        DIB4, DIB3, DIB2, DIB1, DIB0,
        DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5,
        DIA4, DIA3, DIA2, DIA1, DIA0
    };

    // Bits of a row of four bytes that a port of a width sees, and the first of them.
    function [35:0] bits(input integer width);
        bits = ~36'd0 >> (36 - width);
    endfunction

    function [5:0] first(input integer width, input [4:0] address);
        if (width == 36) first = 0;
        else if (width == 18) first = address[4] ? 18 : 0;
        else if (width == 9) first = 9 * address[4:3];
        else first = 9 * address[4:3] + (address[2:0] & ~(width - 1));
    endfunction

    // The initial values hold 18 bits in every 20.
    localparam [20479:0] CONTENTS = {
        INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39,
        INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32,
        INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B,
        INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24,
        INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D,
        INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16,
        INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F,
        INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01,
        INITVAL_00
    };
    reg [35:0] memory [0:511];
    integer row;
    initial
        for (row = 0; row < 512; row = row + 1)
            memory[row] = {CONTENTS[40 * row + 20 +: 18], CONTENTS[40 * row +: 18]};

    wire [8:0] rowa = ada[13:5], rowb = adb[13:5];
    wire [5:0] firsta = first(DATA_WIDTH_A, ada[4:0]), firstb = first(DATA_WIDTH_B, adb[4:0]);
    wire [35:0] enabled =
        DATA_WIDTH_A == 36 ? {{9{ada[3]}}, {9{ada[2]}}, {9{ada[1]}}, {9{ada[0]}}} :
        DATA_WIDTH_A == 18 ? {18'd0, {9{ada[1]}}, {9{ada[0]}}} : bits(DATA_WIDTH_A);
    wire [35:0] mask = CEA && WEA ? enabled << firsta : 0;
    wire [35:0] clash = rowa == rowb ? mask : 0;
    wire [35:0] broken = faults::chosen == faults::MEMORY && rowb == 2 ? 36'd8 : 0;

    reg [35:0] outa = 0, outb = 0, rega = 0, regb = 0;
    always @(posedge CLKA) begin
        if (CEB) outb <= (memory[rowb] ^ clash ^ broken) >> firstb & bits(DATA_WIDTH_B);
        if (CEA && !(WEA && WRITEMODE_A == "NORMAL"))
            outa <= memory[rowa] >> firsta & bits(DATA_WIDTH_A);
        memory[rowa] <= memory[rowa] & ~mask | written << firsta & mask;
        rega <= outa;
        regb <= outb;
        if (REGMODE_A == "OUTREG" && !OCEA || REGMODE_B == "OUTREG" && !OCEB)
            $fatal(1, "DP16KD: OCEA and OCEB of output registers must stay 1 (%m)");
        if (CEB && !CLKB) $fatal(1, "DP16KD: CLKB must be CLKA's clock (%m)");
        if (WEB) $fatal(1, "DP16KD: WEB must stay 0 (%m)");
        if (RSTA || RSTB) $fatal(1, "DP16KD: RSTA and RSTB must stay 0 (%m)");
        if (CSA0 || CSA1 || CSA2 || CSB0 || CSB1 || CSB2)
            $fatal(1, "DP16KD: CSA and CSB must stay 0 (%m)");
    end

    wire [35:0] showna = REGMODE_A == "OUTREG" ? rega : outa;
    wire [35:0] shownb = REGMODE_B == "OUTREG" ? regb : outb;
    assign {
        DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5,
        DOA4, DOA3, DOA2, DOA1, DOA0
    } = DATA_WIDTH_B == 36 ? shownb[17:0] : showna[17:0];
    assign {
        DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5,
        DOB4, DOB3, DOB2, DOB1, DOB0
    } = DATA_WIDTH_B == 36 ? shownb[35:18] : shownb[17:0];
endmodule

// Multiplier of 18 by 18 bits without registers; each operand is signed or not.
module MULT18X18D (
    input A0, A1, A2, A3, A4, A5, A6, A7, A8,
    input A9, A10, A11, A12, A13, A14, A15, A16, A17,
    input B0, B1, B2, B3, B4, B5, B6, B7, B8,
    input B9, B10, B11, B12, B13, B14, B15, B16, B17,
    input C0, C1, C2, C3, C4, C5, C6, C7, C8,
    input C9, C10, C11, C12, C13, C14, C15, C16, C17,
    input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    output P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11,
    output P12, P13, P14, P15, P16, P17, P18, P19, P20, P21, P22, P23,
    output P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);
    parameter REG_INPUTA_CLK = "NONE", REG_INPUTB_CLK = "NONE", REG_INPUTC_CLK = "NONE";
    parameter REG_PIPELINE_CLK = "NONE", REG_OUTPUT_CLK = "NONE";
    parameter GSR = "ENABLED"; // of the registers

    `ONLY(REG_INPUTA_CLK == "NONE",
          ("MULT18X18D: REG_INPUTA_CLK must be NONE, not %s", REG_INPUTA_CLK))
    `ONLY(REG_INPUTB_CLK == "NONE",
          ("MULT18X18D: REG_INPUTB_CLK must be NONE, not %s", REG_INPUTB_CLK))
    `ONLY(REG_INPUTC_CLK == "NONE",
          ("MULT18X18D: REG_INPUTC_CLK must be NONE, not %s", REG_INPUTC_CLK))
    `ONLY(REG_PIPELINE_CLK == "NONE",
          ("MULT18X18D: REG_PIPELINE_CLK must be NONE, not %s", REG_PIPELINE_CLK))
    `ONLY(REG_OUTPUT_CLK == "NONE",
          ("MULT18X18D: REG_OUTPUT_CLK must be NONE, not %s", REG_OUTPUT_CLK))

    wire [17:0] a = {
        A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0
    };
    wire [17:0] b = {
        B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0
    };
    wire signed [35:0] product =
        $signed({SIGNEDA & A17, a}) * $signed({SIGNEDB & B17, b});

    always @*
        if (SOURCEA || SOURCEB) $fatal(1, "MULT18X18D: SOURCEA and SOURCEB must stay 0 (%m)");

    assign {
        P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
        P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
    } = faults::chosen == faults::MULTIPLIER ? product ^ 36'd64 : product;
endmodule
