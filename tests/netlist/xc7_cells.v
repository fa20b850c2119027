// Block RAMs of a 7-series part in the modes that synth_xilinx makes of this gateware, which yosys'
// library has without behaviour, and carries bit by bit, which Verilator wants; the other cells are
// yosys' own models. Another value of a parameter ends the compilation, another use of a pin the
// simulation.
//
// Sources: AMD UG473 (7 Series FPGAs Memory Resources: pins, widths, addresses, initial values);
// yosys, techlibs/xilinx (brams_xc6v_map.v, brams_defs.vh: which pins are which bits).

// Both kinds of block RAM: 512 rows of BITS bits, 36 or 72, bytes of 9, the ninth being a parity.
//
// SDP: port A reads and port B writes all BITS, the lower half at A's pins. TDP: port A writes and
// B reads 1, 2, 4 (8 bits of a byte used), 9, 18 or 36 bits; A may read too, and then shows what
// was there before a write (READ_FIRST) or its last output (NO_CHANGE). An address counts bits,
// 8 to a byte. One clock, no output register, no reset.
//
// What is read through the other port while a bit is written is the complement of the old bit, so
// that nobody can rely on it.
module block_ram #(
    parameter NAME = "", BITS = 36, MODE = "TDP", WRITE_MODE_A = "READ_FIRST",
    parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0,
    parameter DOA_REG = 0, DOB_REG = 0,
    parameter [512*BITS/9*8-1:0] DATA = 0,
    parameter [512*BITS/9-1:0] PARITY = 0
) (
    input clka, clkb, ena, enb, used,
    input [14:0] ada, adb,
    input [7:0] wea, web,
    input [BITS/9*8-1:0] data,
    input [BITS/9-1:0] parity,
    output [BITS/9*8-1:0] data_out,
    output [BITS/9-1:0] parity_out
);
    localparam SIMPLE = MODE == "SDP", BYTES = BITS / 9;
    // of the port that writes and may read as well, and of the one that only reads
    localparam WIDTH = SIMPLE ? WRITE_WIDTH_B : WRITE_WIDTH_A;
    localparam OWN = SIMPLE ? READ_WIDTH_B : READ_WIDTH_A;
    localparam OTHER = SIMPLE ? READ_WIDTH_A : READ_WIDTH_B;

    `ONLY(MODE == "SDP" || MODE == "TDP", ("%s: RAM_MODE must be SDP or TDP, not %s", NAME, MODE))
    `ONLY(!SIMPLE || WIDTH == BITS && OTHER == BITS && OWN == 0,
          ("%s: an SDP must read and write %0d bits, not %0d and %0d", NAME, BITS, OTHER, WIDTH))
    `ONLY(SIMPLE || WIDTH inside {0, 1, 2, 4, 9, 18, 36},
          ("%s: WRITE_WIDTH_A must be 0, 1, 2, 4, 9, 18 or 36, not %0d", NAME, WIDTH))
    `ONLY(SIMPLE || OTHER inside {0, 1, 2, 4, 9, 18, 36},
          ("%s: READ_WIDTH_B must be 0, 1, 2, 4, 9, 18 or 36, not %0d", NAME, OTHER))
    `ONLY(SIMPLE || OWN == 0 || OWN == WIDTH,
          ("%s: READ_WIDTH_A must be 0 or WRITE_WIDTH_A, not %0d", NAME, OWN))
    `ONLY(SIMPLE || WRITE_WIDTH_B == 0,
          ("%s: WRITE_WIDTH_B of a TDP must be 0, not %0d", NAME, WRITE_WIDTH_B))
    `ONLY(OWN == 0 || WRITE_MODE_A == "READ_FIRST" || WRITE_MODE_A == "NO_CHANGE",
          ("%s: WRITE_MODE_A must be READ_FIRST or NO_CHANGE, not %s", NAME, WRITE_MODE_A))
    `ONLY(DOA_REG == 0, ("%s: DOA_REG must be 0, not %0d", NAME, DOA_REG))
    `ONLY(DOB_REG == 0, ("%s: DOB_REG must be 0, not %0d", NAME, DOB_REG))

    function [BITS-1:0] bits(input integer width);
        bits = ~{BITS{1'b0}} >> (BITS - width);
    endfunction

    // First of the bits of a row that a port of a width sees.
    function [6:0] first(input integer width, input [5:0] address);
        if (width == BITS) first = 0;
        else if (width >= 9) first = 9 * (address[5:3] & ~(width / 9 - 1) & (BYTES - 1));
        else first = 9 * (address[5:3] & (BYTES - 1)) + (address[2:0] & ~(width - 1));
    endfunction

    reg [BITS-1:0] memory [0:511];
    integer row, byte_;
    initial
        for (row = 0; row < 512; row = row + 1)
            for (byte_ = 0; byte_ < BYTES; byte_ = byte_ + 1)
                memory[row][9 * byte_ +: 9] =
                    {PARITY[BYTES * row + byte_], DATA[8 * (BYTES * row + byte_) +: 8]};

    wire [14:0] address = SIMPLE ? adb : ada, other = SIMPLE ? ada : adb;
    wire [8:0] row_own = BITS == 72 ? address[14:6] : address[13:5];
    wire [8:0] row_other = BITS == 72 ? other[14:6] : other[13:5];
    wire [6:0] first_own = first(WIDTH, address[5:0]), first_other = first(OTHER, other[5:0]);
    wire enable = SIMPLE ? enb : ena, enable_other = SIMPLE ? ena : enb;
    wire [7:0] we = SIMPLE ? web : wea;
    wire [BITS-1:0] in, bytes;
    genvar i;
    generate
        for (i = 0; i < BYTES; i = i + 1) begin : nines
            assign in[9 * i +: 9] = {parity[i], data[8 * i +: 8]};
            assign bytes[9 * i +: 9] = {9{we[WIDTH < 9 ? 0 : i]}};
        end
    endgenerate
    wire [BITS-1:0] mask = enable ? (bytes & bits(WIDTH)) << first_own : 0;
    wire [BITS-1:0] clash = row_own == row_other ? mask : 0;
    wire [BITS-1:0] broken = faults::chosen == faults::MEMORY && row_other == 2 ? 8 : 0;

    reg [BITS-1:0] out = 0, out_other = 0;
    always @(posedge clka) begin
        if (enable_other)
            out_other <= (memory[row_other] ^ clash ^ broken) >> first_other & bits(OTHER);
        if (OWN != 0 && enable && !(|we && WRITE_MODE_A == "NO_CHANGE"))
            out <= memory[row_own] >> first_own & bits(OWN);
        if (WIDTH != 0) memory[row_own] <= memory[row_own] & ~mask | in << first_own & mask;
        if (OTHER != 0 && !clkb) $fatal(1, "%s: CLKBWRCLK must be CLKARDCLK's clock (%m)", NAME);
        if (used) $fatal(1, "%s: resets and REGCE must stay 0 (%m)", NAME);
        if (|(SIMPLE ? wea : web)) $fatal(1, "%s: the reading port must not write (%m)", NAME);
    end

    wire [BITS-1:0] shown = SIMPLE ? out_other : {out_other[BITS/2-1:0], out[BITS/2-1:0]};
    generate
        for (i = 0; i < BYTES; i = i + 1) begin : pins
            assign {parity_out[i], data_out[8 * i +: 8]} = shown[9 * i +: 9];
        end
    endgenerate
endmodule

module RAMB18E1 (
    input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
    input RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
    input [13:0] ADDRARDADDR, ADDRBWRADDR,
    input [15:0] DIADI, DIBDI,
    input [1:0] DIPADIP, DIPBDIP,
    input [1:0] WEA,
    input [3:0] WEBWE,
    output [15:0] DOADO, DOBDO,
    output [1:0] DOPADOP, DOPBDOP
);
    parameter RAM_MODE = "TDP", WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST";
    parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0;
    parameter DOA_REG = 0, DOB_REG = 0;
    parameter [71:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0; // of the outputs
    parameter [255:0]
        INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0, INIT_04 = 0, INIT_05 = 0,
        INIT_06 = 0, INIT_07 = 0, INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0,
        INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0, INIT_10 = 0, INIT_11 = 0,
        INIT_12 = 0, INIT_13 = 0, INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0,
        INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0, INIT_1C = 0, INIT_1D = 0,
        INIT_1E = 0, INIT_1F = 0, INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0,
        INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0, INIT_28 = 0, INIT_29 = 0,
        INIT_2A = 0, INIT_2B = 0, INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0,
        INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0, INIT_34 = 0, INIT_35 = 0,
        INIT_36 = 0, INIT_37 = 0, INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0,
        INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0,
        INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0, INITP_04 = 0, INITP_05 = 0,
        INITP_06 = 0, INITP_07 = 0;

    block_ram #(
        .NAME("RAMB18E1"), .BITS(36), .MODE(RAM_MODE), .WRITE_MODE_A(WRITE_MODE_A),
        .READ_WIDTH_A(READ_WIDTH_A), .READ_WIDTH_B(READ_WIDTH_B), .WRITE_WIDTH_A(WRITE_WIDTH_A),
        .WRITE_WIDTH_B(WRITE_WIDTH_B), .DOA_REG(DOA_REG), .DOB_REG(DOB_REG),
        .DATA({
            INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
            INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
            INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
            INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
            INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
            INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
            INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
            INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
        }),
        .PARITY({
            INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
        })
    ) ram (
        .clka(CLKARDCLK), .clkb(CLKBWRCLK), .ena(ENARDEN), .enb(ENBWREN),
        .ada({1'b0, ADDRARDADDR}), .adb({1'b0, ADDRBWRADDR}),
        .wea({6'd0, WEA}), .web({4'd0, WEBWE}),
        .data({DIBDI, DIADI}), .parity({DIPBDIP, DIPADIP}),
        .used(REGCEAREGCE || REGCEB || RSTRAMARSTRAM || RSTRAMB || RSTREGARSTREG || RSTREGB),
        .data_out({DOBDO, DOADO}), .parity_out({DOPBDOP, DOPADOP})
    );
endmodule

module RAMB36E1 (
    input CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, REGCEAREGCE, REGCEB,
    input RSTRAMARSTRAM, RSTRAMB, RSTREGARSTREG, RSTREGB,
    input [15:0] ADDRARDADDR, ADDRBWRADDR,
    input [31:0] DIADI, DIBDI,
    input [3:0] DIPADIP, DIPBDIP,
    input [3:0] WEA,
    input [7:0] WEBWE,
    output [31:0] DOADO, DOBDO,
    output [3:0] DOPADOP, DOPBDOP
);
    parameter RAM_MODE = "TDP", WRITE_MODE_A = "WRITE_FIRST", WRITE_MODE_B = "WRITE_FIRST";
    parameter READ_WIDTH_A = 0, READ_WIDTH_B = 0, WRITE_WIDTH_A = 0, WRITE_WIDTH_B = 0;
    parameter DOA_REG = 0, DOB_REG = 0;
    parameter [71:0] INIT_A = 0, INIT_B = 0, SRVAL_A = 0, SRVAL_B = 0; // of the outputs
    parameter RAM_EXTENSION_A = "NONE", RAM_EXTENSION_B = "NONE";
    `ONLY(RAM_EXTENSION_A == "NONE",
          ("RAMB36E1: RAM_EXTENSION_A must be NONE, not %s", RAM_EXTENSION_A))
    `ONLY(RAM_EXTENSION_B == "NONE",
          ("RAMB36E1: RAM_EXTENSION_B must be NONE, not %s", RAM_EXTENSION_B))
    parameter [255:0]
        INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0, INIT_04 = 0, INIT_05 = 0,
        INIT_06 = 0, INIT_07 = 0, INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0,
        INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0, INIT_10 = 0, INIT_11 = 0,
        INIT_12 = 0, INIT_13 = 0, INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0,
        INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0, INIT_1C = 0, INIT_1D = 0,
        INIT_1E = 0, INIT_1F = 0, INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0,
        INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0, INIT_28 = 0, INIT_29 = 0,
        INIT_2A = 0, INIT_2B = 0, INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0,
        INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0, INIT_34 = 0, INIT_35 = 0,
        INIT_36 = 0, INIT_37 = 0, INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0,
        INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0, INIT_40 = 0, INIT_41 = 0,
        INIT_42 = 0, INIT_43 = 0, INIT_44 = 0, INIT_45 = 0, INIT_46 = 0, INIT_47 = 0,
        INIT_48 = 0, INIT_49 = 0, INIT_4A = 0, INIT_4B = 0, INIT_4C = 0, INIT_4D = 0,
        INIT_4E = 0, INIT_4F = 0, INIT_50 = 0, INIT_51 = 0, INIT_52 = 0, INIT_53 = 0,
        INIT_54 = 0, INIT_55 = 0, INIT_56 = 0, INIT_57 = 0, INIT_58 = 0, INIT_59 = 0,
        INIT_5A = 0, INIT_5B = 0, INIT_5C = 0, INIT_5D = 0, INIT_5E = 0, INIT_5F = 0,
        INIT_60 = 0, INIT_61 = 0, INIT_62 = 0, INIT_63 = 0, INIT_64 = 0, INIT_65 = 0,
        INIT_66 = 0, INIT_67 = 0, INIT_68 = 0, INIT_69 = 0, INIT_6A = 0, INIT_6B = 0,
        INIT_6C = 0, INIT_6D = 0, INIT_6E = 0, INIT_6F = 0, INIT_70 = 0, INIT_71 = 0,
        INIT_72 = 0, INIT_73 = 0, INIT_74 = 0, INIT_75 = 0, INIT_76 = 0, INIT_77 = 0,
        INIT_78 = 0, INIT_79 = 0, INIT_7A = 0, INIT_7B = 0, INIT_7C = 0, INIT_7D = 0,
        INIT_7E = 0, INIT_7F = 0,
        INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0, INITP_04 = 0, INITP_05 = 0,
        INITP_06 = 0, INITP_07 = 0, INITP_08 = 0, INITP_09 = 0, INITP_0A = 0, INITP_0B = 0,
        INITP_0C = 0, INITP_0D = 0, INITP_0E = 0, INITP_0F = 0;

    block_ram #(
        .NAME("RAMB36E1"), .BITS(72), .MODE(RAM_MODE), .WRITE_MODE_A(WRITE_MODE_A),
        .READ_WIDTH_A(READ_WIDTH_A), .READ_WIDTH_B(READ_WIDTH_B), .WRITE_WIDTH_A(WRITE_WIDTH_A),
        .WRITE_WIDTH_B(WRITE_WIDTH_B), .DOA_REG(DOA_REG), .DOB_REG(DOB_REG),
        .DATA({
            INIT_7F, INIT_7E, INIT_7D, INIT_7C, INIT_7B, INIT_7A, INIT_79, INIT_78,
            INIT_77, INIT_76, INIT_75, INIT_74, INIT_73, INIT_72, INIT_71, INIT_70,
            INIT_6F, INIT_6E, INIT_6D, INIT_6C, INIT_6B, INIT_6A, INIT_69, INIT_68,
            INIT_67, INIT_66, INIT_65, INIT_64, INIT_63, INIT_62, INIT_61, INIT_60,
            INIT_5F, INIT_5E, INIT_5D, INIT_5C, INIT_5B, INIT_5A, INIT_59, INIT_58,
            INIT_57, INIT_56, INIT_55, INIT_54, INIT_53, INIT_52, INIT_51, INIT_50,
            INIT_4F, INIT_4E, INIT_4D, INIT_4C, INIT_4B, INIT_4A, INIT_49, INIT_48,
            INIT_47, INIT_46, INIT_45, INIT_44, INIT_43, INIT_42, INIT_41, INIT_40,
            INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
            INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
            INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
            INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
            INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
            INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
            INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
            INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
        }),
        .PARITY({
            INITP_0F, INITP_0E, INITP_0D, INITP_0C, INITP_0B, INITP_0A, INITP_09, INITP_08,
            INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
        })
    ) ram (
        .clka(CLKARDCLK), .clkb(CLKBWRCLK), .ena(ENARDEN), .enb(ENBWREN),
        .ada(ADDRARDADDR[14:0]), .adb(ADDRBWRADDR[14:0]),
        .wea({4'd0, WEA}), .web(WEBWE),
        .data({DIBDI, DIADI}), .parity({DIPBDIP, DIPADIP}),
        .used(REGCEAREGCE || REGCEB || RSTRAMARSTRAM || RSTRAMB || RSTREGARSTREG || RSTREGB),
        .data_out({DOBDO, DOADO}), .parity_out({DOPBDOP, DOPADOP})
    );
endmodule

module CARRY4 (input CI, CYINIT, input [3:0] DI, S, output [3:0] CO, O);
    wire carry0 = CI | CYINIT;
    wire carry1 = S[0] ? carry0 : DI[0];
    wire carry2 = S[1] ? carry1 : DI[1];
    wire carry3 = S[2] ? carry2 : DI[2];
    wire carry4 = S[3] ? carry3 : DI[3];
    assign CO = {carry4, carry3, carry2, carry1};
    assign O = S ^ {carry3, carry2, carry1, carry0};
endmodule

// Look-up tables that a test may turn into their complements.
module LUT2_FAULT (input I0, I1, output O);
    parameter [3:0] INIT = 0;
    parameter FAULT = 0;
    wire right;
    LUT2 #(.INIT(INIT)) lut (.O(right), .I0, .I1);
    assign O = right ^ (faults::chosen == FAULT);
endmodule

module LUT3_FAULT (input I0, I1, I2, output O);
    parameter [7:0] INIT = 0;
    parameter FAULT = 0;
    wire right;
    LUT3 #(.INIT(INIT)) lut (.O(right), .I0, .I1, .I2);
    assign O = right ^ (faults::chosen == FAULT);
endmodule

module LUT4_FAULT (input I0, I1, I2, I3, output O);
    parameter [15:0] INIT = 0;
    parameter FAULT = 0;
    wire right;
    LUT4 #(.INIT(INIT)) lut (.O(right), .I0, .I1, .I2, .I3);
    assign O = right ^ (faults::chosen == FAULT);
endmodule

module LUT5_FAULT (input I0, I1, I2, I3, I4, output O);
    parameter [31:0] INIT = 0;
    parameter FAULT = 0;
    wire right;
    LUT5 #(.INIT(INIT)) lut (.O(right), .I0, .I1, .I2, .I3, .I4);
    assign O = right ^ (faults::chosen == FAULT);
endmodule

module LUT6_FAULT (input I0, I1, I2, I3, I4, I5, output O);
    parameter [63:0] INIT = 0;
    parameter FAULT = 0;
    wire right;
    LUT6 #(.INIT(INIT)) lut (.O(right), .I0, .I1, .I2, .I3, .I4, .I5);
    assign O = right ^ (faults::chosen == FAULT);
endmodule
