python: can't open file '/tmp/w6/rearr.py': [Errno 2] No such file or directory
