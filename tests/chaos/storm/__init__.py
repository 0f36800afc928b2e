"""The storm: four workers, Redis and PostgreSQL broken again and again under load, and what every viewer then holds."""
