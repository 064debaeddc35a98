"""What other frameworks call while they train: each by its own public callback or logger interface."""
