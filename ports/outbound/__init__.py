"""What the core needs of the world, one file a conversation."""
