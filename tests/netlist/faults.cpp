// The fault of the netlists that are created next: a number of models.sv, 0 for none.

static int chosen = 0;

extern "C" {

int netlist_fault() { return chosen; }

void netlist_choose_fault(int fault) { chosen = fault; }

} // extern "C"
