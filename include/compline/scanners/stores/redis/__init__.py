"""Redis servers, and what speaks like them."""
