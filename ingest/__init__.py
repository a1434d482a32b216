"""Message to receipt and facts in one transaction, then the acknowledgement."""
