"""Chapter 13, four real hospitals: who has coronary heart disease, by each hospital's own records and by ways of merging them."""
