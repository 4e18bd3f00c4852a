"""The parts that ``app.py`` puts together, each made and started in one place."""
