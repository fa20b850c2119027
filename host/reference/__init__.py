"""Training of the float reference (torch, extra ``reference``), its memory and its speed."""
