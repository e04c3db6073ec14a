"""How types, fields, filters, connections and mutations are declared, once for all domains."""
