"""What numbers of the project are measured with."""
