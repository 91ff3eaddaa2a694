"""The triggers of the shipped policy, as tests name them."""

from ledger_guard.domain.signals import Trigger

#: insufficient_funds
T1 = Trigger("T1")
#: webhook_signature
T2 = Trigger("T2")
#: balance_mismatch
T3 = Trigger("T3")
TRIGGERS = (T1, T2, T3)
