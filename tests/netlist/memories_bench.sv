// Memories and multipliers of cells_top.py under random stimulus: as RTL and as mapped by yosys.
module memories #(parameter BITS = 1) (input clk, check);
    reg [14:0] read, write;
    reg [7:0] enable;
    reg reading;
    reg [71:0] data;
    reg [17:0] a, b;
    wire [BITS-1:0] expected, got;
    rtl rtl_i (.clk, .rst(1'b0), .read, .write, .enable, .reading, .data, .a, .b, .out(expected));
    accelerator mapped (
        .clk, .rst(1'b0), .read, .write, .enable, .reading, .data, .a, .b, .out(got));

    always @(posedge clk) begin
        // few addresses, so that reads meet writes
        read <= {9'($urandom % 3), 6'($urandom % 8)} << ($urandom % 9);
        write <= $urandom % 2 ? read : {9'($urandom % 3), 6'($urandom % 8)} << ($urandom % 9);
        {enable, reading} <= $urandom;
        {data, a, b} <= {$urandom, $urandom, $urandom, $urandom};
        if (check && got !== expected) $fatal(1, "memories: got %h, expected %h", got, expected);
    end
endmodule
