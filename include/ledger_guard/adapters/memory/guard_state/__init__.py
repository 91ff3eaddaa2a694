"""The stores of guard state in memory, one reason to change a module; they share the tables of one transaction."""
