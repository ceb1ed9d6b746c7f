"""What Glean takes: documents, people, the datasource; and what it asks of them."""
