"""Radio side: the pods' GATT profile, the links to them, and their clocks."""
