"""The ops dashboard for support managers; it speaks HTTP only."""
