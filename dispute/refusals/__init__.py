"""The catalogue of codes that the dispute's services answer with."""
