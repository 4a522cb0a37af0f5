"""Amazon's services, as far as more than one part of AutoIR asks them."""
