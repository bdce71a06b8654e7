"""Everything that a runner reads or hears, in one file a language: CODE.toml. What developers read is English."""
