"""The work report of an alliance: measures, what they count, and the forms in which they are answered."""
