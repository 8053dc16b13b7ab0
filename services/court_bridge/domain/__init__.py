"""What a suit is and which of its facts can not be true; knows no transport."""
