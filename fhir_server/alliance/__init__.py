"""What is particular to an alliance of Chinese hospitals: identifiers, systems, demonstration."""
