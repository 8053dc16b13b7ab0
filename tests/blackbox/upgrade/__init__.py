"""An upgrade from an old commit, on filled stores."""
