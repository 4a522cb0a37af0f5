"""MiniStack with what AutoIR's stacks need and it lacks; runs in an environment of its own, never in AutoIR's.

Everything here leans on the insides of one exact release of MiniStack, so a new one is a piece of work and not an
upgrade. What MiniStack does otherwise than AWS is put right here and nowhere else: AutoIR's code knows no emulator.
"""
