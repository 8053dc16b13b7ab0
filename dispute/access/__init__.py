"""Who may do what: roles, and what each of them may call, command and see."""
