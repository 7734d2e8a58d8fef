"""Pages of the inventory, one file per journey."""
