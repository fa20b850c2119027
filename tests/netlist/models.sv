// What the models of all families share.

`define ONLY(condition, message) generate if (!(condition)) $error message; endgenerate

// The fault that a test has chosen, 0 for none: see faults.cpp.
package faults;
    import "DPI-C" function int netlist_fault();
    int chosen = netlist_fault();
    localparam MEMORY = 1, MULTIPLIER = 2; // from 3 on: look-up tables
endpackage
