"""Steps 6 to 10: from an approved model package to a tested staging endpoint, its dossier and production."""
