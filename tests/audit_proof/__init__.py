"""`make audit`: ten thousand entries of a process that is killed meanwhile, then every kind of tampering."""
