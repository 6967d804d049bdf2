"""What commands about AWS work with, put together, a module for each."""
