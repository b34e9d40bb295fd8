"""The AI-assisted reading study of Gao 2022: cases read without and with the machine, and how far readers agree."""
