// Models of a 7-series part's cells under random stimulus: against the RTL that yosys mapped to them,
// carries against yosys' own model (`lib_...`). Another argument than 0 uses a pin that they know one value of, or writes what is read.
module bench #(parameter BITS = 1) (input clk);
    import "DPI-C" function int bench_pin();
    localparam CYCLES = 20000;
    int cycle = 0, pin = bench_pin();
    memories #(BITS) memories_i (.clk, .check(cycle > 100));

    // ---- two whose pins are at hand: what is read while it is written is its complement
    reg [1:0] row, read_row;
    reg [71:0] data;
    wire [71:0] simple;
    wire [17:0] dual;
    RAMB36E1 #(.RAM_MODE("SDP"), .READ_WIDTH_A(72), .WRITE_WIDTH_B(72)) wide (
        .CLKARDCLK(clk), .CLKBWRCLK(pin == 1 ? 1'b0 : clk), .ENARDEN(1'b1), .ENBWREN(1'b1),
        .REGCEAREGCE(1'b0), .REGCEB(1'b0), .RSTRAMARSTRAM(pin == 2), .RSTRAMB(1'b0),
        .RSTREGARSTREG(1'b0), .RSTREGB(1'b0), .WEA({3'd0, pin == 3}), .WEBWE(8'hff),
        .ADDRARDADDR({8'd2, read_row, 6'd0}), .ADDRBWRADDR({8'd2, row, 6'd0}),
        .DIADI(data[31:0]), .DIBDI(data[63:32]), .DIPADIP(data[67:64]), .DIPBDIP(data[71:68]),
        .DOADO(simple[31:0]), .DOBDO(simple[63:32]), .DOPADOP(simple[67:64]),
        .DOPBDOP(simple[71:68])
    );
    RAMB18E1 #(.WRITE_WIDTH_A(18), .READ_WIDTH_B(18)) narrow (
        .CLKARDCLK(clk), .CLKBWRCLK(clk), .ENARDEN(1'b1), .ENBWREN(1'b1), .REGCEAREGCE(1'b0),
        .REGCEB(1'b0), .RSTRAMARSTRAM(1'b0), .RSTRAMB(1'b0), .RSTREGARSTREG(1'b0),
        .RSTREGB(1'b0), .WEA(2'd3), .WEBWE({3'd0, pin == 4}), .ADDRARDADDR({8'd2, row, 4'd0}),
        .ADDRBWRADDR({8'd2, read_row, 4'd0}), .DIADI(data[15:0]), .DIPADIP(data[65:64]),
        .DOBDO(dual[15:0]), .DOPBDOP(dual[17:16])
    );
    reg [71:0] rows [0:3], read_rows;

    // ---- carries, look-up tables that can be broken
    reg [9:0] in;
    wire [7:0] carries, lib_carries;
    CARRY4 carry (
        .CI(in[0]), .CYINIT(in[1]), .DI(in[5:2]), .S(in[9:6]), .CO(carries[3:0]), .O(carries[7:4]));
    lib_CARRY4 lib_carry (
        .CI(in[0]), .CYINIT(in[1]), .DI(in[5:2]), .S(in[9:6]), .CO(lib_carries[3:0]),
        .O(lib_carries[7:4]));
    wire [4:0] right, faulty;
    LUT2 #(4'h9) two (.I0(in[0]), .I1(in[1]), .O(right[0]));
    LUT2_FAULT #(4'h9, 3) two_faulty (.I0(in[0]), .I1(in[1]), .O(faulty[0]));
    LUT3 #(8'h9b) three (.I0(in[0]), .I1(in[1]), .I2(in[2]), .O(right[1]));
    LUT3_FAULT #(8'h9b, 4) three_faulty (.I0(in[0]), .I1(in[1]), .I2(in[2]), .O(faulty[1]));
    LUT4 #(16'h9b31) four (.I0(in[0]), .I1(in[1]), .I2(in[2]), .I3(in[3]), .O(right[2]));
    LUT4_FAULT #(16'h9b31, 5) four_faulty (
        .I0(in[0]), .I1(in[1]), .I2(in[2]), .I3(in[3]), .O(faulty[2]));
    LUT5 #(32'h9b31_77c5) five (
        .I0(in[0]), .I1(in[1]), .I2(in[2]), .I3(in[3]), .I4(in[4]), .O(right[3]));
    LUT5_FAULT #(32'h9b31_77c5, 6) five_faulty (
        .I0(in[0]), .I1(in[1]), .I2(in[2]), .I3(in[3]), .I4(in[4]), .O(faulty[3]));
    LUT6 #(64'h9b31_77c5_0e2d_a6f8) six (
        .I0(in[0]), .I1(in[1]), .I2(in[2]), .I3(in[3]), .I4(in[4]), .I5(in[5]), .O(right[4]));
    LUT6_FAULT #(64'h9b31_77c5_0e2d_a6f8, 7) six_faulty (
        .I0(in[0]), .I1(in[1]), .I2(in[2]), .I3(in[3]), .I4(in[4]), .I5(in[5]), .O(faulty[4]));

    always @(posedge clk) begin
        cycle <= cycle + 1;
        {row, read_row, in} <= $urandom;
        data <= {$urandom, $urandom, $urandom};
        rows[row] <= data;
        read_rows <= read_row == row ? ~rows[read_row] : rows[read_row];
        if (cycle > 100) begin // all four rows are written by then
            if (simple !== read_rows)
                $fatal(1, "RAMB36E1: got %h, expected %h", simple, read_rows);
            if (dual !== {read_rows[65:64], read_rows[15:0]})
                $fatal(1, "RAMB18E1: got %h, expected %h", dual, read_rows);
            if (carries !== lib_carries)
                $fatal(1, "CARRY4: got %b, expected %b", carries, lib_carries);
            if (faulty !== right) $fatal(1, "LUT_FAULT: got %b, expected %b", faulty, right);
        end
        if (cycle == CYCLES) begin
            $display("%0d cycles agree", CYCLES);
            $finish;
        end
    end
endmodule
