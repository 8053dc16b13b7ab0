"""`hub trial`: a hub on the wall clock under steady load, with every service paused and killed; nothing may be lost."""
