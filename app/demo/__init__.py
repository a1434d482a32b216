"""`make run`: the whole system on one machine, with a demonstration estate that lives while one watches."""
