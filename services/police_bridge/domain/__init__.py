"""What an incident is and which of its facts can not be true; knows no transport."""
