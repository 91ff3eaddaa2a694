-- Purpose: stands for chosen_alone.sql where all players are judged.
true
