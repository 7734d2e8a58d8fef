"""Forms of the inventory: what people type in, checked at the field."""
