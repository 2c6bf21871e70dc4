"""What the core needs of the world (outbound) and what the application offers (inbound)."""
