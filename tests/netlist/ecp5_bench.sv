// Models of an ECP5's cells under random stimulus: against the RTL that yosys mapped to them, and
// against yosys' own models (`lib_...`). Another argument than 0 uses a pin that they know one value
// of.
module bench #(parameter BITS = 1) (input clk);
    import "DPI-C" function int bench_pin();
    localparam CYCLES = 20000;
    int cycle = 0, pin = bench_pin();
    memories #(BITS) memories_i (.clk, .check(cycle > 100));
    reg [35:0] data;

    reg [8:0] in;

    // ---- a block RAM whose pins are at hand, 36 bits wide
    wire [1:0] row = in[1:0], read_row = in[3:2];
    wire [17:0] low, high;
    DP16KD #(.DATA_WIDTH_A(36), .DATA_WIDTH_B(36)) ram (
        .CLKA(clk), .CEA(1'b1), .WEA(1'b1), .RSTA(1'b0), .CSA0(pin == 1), .CSA1(1'b0), .CSA2(1'b0),
        .ADA0(1'b1), .ADA1(1'b1), .ADA2(1'b1), .ADA3(1'b1), .ADA4(1'b0), .ADA5(row[0]),
        .ADA6(row[1]), .ADA7(1'b0), .ADA8(1'b0), .ADA9(1'b0), .ADA10(1'b0),
        .ADA11(1'b0), .ADA12(1'b0), .ADA13(1'b0),
        .DIA0(data[0]), .DIA17(data[17]), .DIB0(data[18]), .DIB17(data[35]),
        .CLKB(pin == 2 ? 1'b0 : clk), .CEB(1'b1), .WEB(pin == 3), .RSTB(pin == 4), .CSB0(1'b0),
        .CSB1(1'b0), .CSB2(1'b0), .ADB0(1'b0), .ADB1(1'b0), .ADB2(1'b0),
        .ADB3(1'b0), .ADB4(1'b0), .ADB5(read_row[0]), .ADB6(read_row[1]), .ADB7(1'b0), .ADB8(1'b0),
        .ADB9(1'b0), .ADB10(1'b0), .ADB11(1'b0), .ADB12(1'b0), .ADB13(1'b0),
        .DOA0(low[0]), .DOA17(low[17]), .DOB0(high[0]), .DOB17(high[17])
    );
    DP16KD #(.REGMODE_B("OUTREG")) registered (
        .CLKA(clk), .CEA(1'b0), .WEA(1'b0), .RSTA(1'b0), .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
        .CLKB(clk), .CEB(1'b1), .OCEB(pin != 6), .WEB(1'b0), .RSTB(1'b0), .CSB0(1'b0), .CSB1(1'b0),
        .CSB2(1'b0));
    MULT18X18D multiplier (.SOURCEA(pin == 5), .SOURCEB(1'b0));
    reg [3:0] rows [0:3];
    reg [3:0] read_rows;
    wire [3:0] ram_out = {high[17], high[0], low[17], low[0]};

    // ---- logic, and what yosys has of it
    reg [3:0] di, wad, rad;
    wire [15:0] lut, lib_lut;
    wire [2:0] carry [0:15], lib_carry [0:15];
    wire [11:0] ff, lib_ff;
    wire [5:0] muxes;
    wire [3:0] word, lib_word;
    genvar i;
    generate
        for (i = 0; i < 16; i = i + 1) begin : tables
            localparam [31:0] INIT = 32'h9E3779B9 * (2 * i + 1);
            LUT4 #(.INIT(INIT[31:16])) one (
                .A(in[0]), .B(in[1]), .C(in[2]), .D(in[3]), .Z(lut[i]));
            lib_LUT4 #(.INIT(INIT[31:16])) other (
                .A(in[0]), .B(in[1]), .C(in[2]), .D(in[3]), .Z(lib_lut[i]));
            CCU2C #(.INIT0(INIT[15:0]), .INIT1(INIT[31:16]), .INJECT1_0("NO"), .INJECT1_1("NO"))
            two (
                .CIN(in[8]), .A0(in[0]), .B0(in[1]), .C0(in[2]), .D0(in[3]), .A1(in[4]), .B1(in[5]),
                .C1(in[6]), .D1(in[7]), .S0(carry[i][0]), .S1(carry[i][1]), .COUT(carry[i][2]));
            lib_CCU2C #(.INIT0(INIT[15:0]), .INIT1(INIT[31:16]), .INJECT1_0("NO"), .INJECT1_1("NO"))
            three (
                .CIN(in[8]), .A0(in[0]), .B0(in[1]), .C0(in[2]), .D0(in[3]), .A1(in[4]), .B1(in[5]),
                .C1(in[6]), .D1(in[7]), .S0(lib_carry[i][0]), .S1(lib_carry[i][1]),
                .COUT(lib_carry[i][2]));
        end
        for (i = 0; i < 12; i = i + 1) begin : registers
            localparam CEMUX = i % 3 == 0 ? "1" : i % 3 == 1 ? "CE" : "INV";
            localparam REGSET = i / 3 % 2 ? "SET" : "RESET";
            localparam SRMODE = i / 6 ? "ASYNC" : "LSR_OVER_CE";
            TRELLIS_FF #(.CEMUX(CEMUX), .REGSET(REGSET), .SRMODE(SRMODE)) one (
                .CLK(clk), .LSR(in[0]), .CE(in[3]), .DI(in[4]), .Q(ff[i]));
            lib_TRELLIS_FF #(.CEMUX(CEMUX), .REGSET(REGSET), .SRMODE(SRMODE)) other (
                .CLK(clk), .LSR(in[0]), .CE(in[3]), .DI(in[4]), .M(1'b0), .Q(lib_ff[i]));
        end
    endgenerate
    PFUMX pfumx (.ALUT(in[0]), .BLUT(in[1]), .C0(in[2]), .Z(muxes[0]));
    lib_PFUMX lib_pfumx (.ALUT(in[0]), .BLUT(in[1]), .C0(in[2]), .Z(muxes[1]));
    L6MUX21 l6mux21 (.D0(in[0]), .D1(in[1]), .SD(in[2]), .Z(muxes[2]));
    lib_L6MUX21 lib_l6mux21 (.D0(in[0]), .D1(in[1]), .SD(in[2]), .Z(muxes[3]));
    LUT4_FAULT #(.INIT(16'h1234), .FAULT(3)) fault (
        .A(in[0]), .B(in[1]), .C(in[2]), .D(in[3]), .Z(muxes[4]));
    lib_LUT4 #(.INIT(16'h1234)) lib_fault (
        .A(in[0]), .B(in[1]), .C(in[2]), .D(in[3]), .Z(muxes[5]));
    TRELLIS_DPR16X4 #(.INITVAL(64'h0123456789ABCDEF)) ram16 (
        .DI(di), .WAD(wad), .RAD(rad), .WRE(in[0]), .WCK(clk), .DO(word));
    lib_TRELLIS_DPR16X4 #(.INITVAL(64'h0123456789ABCDEF)) lib_ram16 (
        .DI(di), .WAD(wad), .RAD(rad), .WRE(in[0]), .WCK(clk), .DO(lib_word));

    always @(posedge clk) begin
        cycle <= cycle + 1;
        {in, di, wad, rad} <= $urandom;
        data <= {$urandom, $urandom};

        rows[row] <= {data[35], data[18], data[17], data[0]};
        // what is written in the same cycle must not be read: the complement of the old bits is
        read_rows <= read_row == row ? ~rows[read_row] : rows[read_row];
        if (cycle > 100) begin // all four rows are written by then
            if (ram_out !== read_rows)
                $fatal(1, "DP16KD: cycle %0d: got %h, expected %h", cycle, ram_out, read_rows);
            if (lut !== lib_lut) $fatal(1, "LUT4: got %h, expected %h", lut, lib_lut);
            if (ff !== lib_ff) $fatal(1, "TRELLIS_FF: got %h, expected %h", ff, lib_ff);
            if (word !== lib_word)
                $fatal(1, "TRELLIS_DPR16X4: got %h, expected %h", word, lib_word);
            if (muxes[0] !== muxes[1]) $fatal(1, "PFUMX");
            if (muxes[2] !== muxes[3]) $fatal(1, "L6MUX21");
            if (muxes[4] !== muxes[5]) $fatal(1, "LUT4_FAULT");
            for (int k = 0; k < 16; k = k + 1)
                if (carry[k] !== lib_carry[k])
                    $fatal(1, "CCU2C: got %h, expected %h", carry[k], lib_carry[k]);
        end
        if (cycle == CYCLES) begin
            $display("%0d cycles agree", CYCLES);
            $finish;
        end
    end
endmodule
