"""What the product is measured against: each peer as its own users would run it, installed on demand."""
