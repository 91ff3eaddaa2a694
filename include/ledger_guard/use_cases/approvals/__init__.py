"""Questions to people, their answers and what an answer permits; what runs may do, and which of them are held up."""
