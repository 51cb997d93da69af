"""Parts of the simulation benchmark: networks as plain data, and who builds and runs them."""
