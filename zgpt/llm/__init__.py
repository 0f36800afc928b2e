"""Model providers: who answers, and how an answer arrives. Knows neither Flask nor the database."""
