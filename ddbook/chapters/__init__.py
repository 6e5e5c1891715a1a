"""One package for each chapter that needs code. Chapters stand on the kit and on ddlib, and do not know each other."""
