"""The engine as its admins see it: what is served on the admin socket beside everything else."""

from __future__ import annotations

import os
from typing import Iterator, Optional, Tuple, Union

from . import control, service
from .control import Cards, Custody, Proposal
from .engine import Engine
from .request import IdempotencyKey
from .service import BackupBegun, Report, Resealed
from .tokens import Token


class Admin(Engine):
    """A connection to the admin socket; made by `tallystick.connect_admin`."""

    def status(self) -> Report:
        """What the daemon is and how it is."""
        return self.call(service.ShowReport())

    def metrics(self) -> str:
        """Metrics in the OpenMetrics text format."""
        return self.call(service.Metrics())

    def clear_short_lock(self, token: str, *, key: IdempotencyKey = None) -> Token:
        """Clears both locks of a token, and the misses that led to them."""
        return self.call(service.ClearShortLock(token), key=key)

    def reseal(
        self, *, after: Optional[int] = None, limit: int = 100, key: IdempotencyKey = None
    ) -> Resealed:
        """Looks at 1 to 100 tokens, and seals their PANs anew under the active key."""
        return self.call(service.Reseal(limit, after), key=key)

    def backup_begin(self) -> BackupBegun:
        """Begins a backup on this connection; `backup_pieces` takes it. Close the connection
        to give it up."""
        return self.call(service.BackupBegin())

    def backup_pieces(self) -> Iterator[bytes]:
        """The backup that was begun, to its end."""
        while True:
            piece = self.call(service.BackupNext()).data
            if piece is None:
                return
            yield piece

    # Custody of the keys.

    def custody(self) -> Custody:
        """How the custody of the keys stands."""
        return self.call(control.ShowCustody())

    def unseal(
        self,
        *,
        share: Optional[str] = None,
        passphrase: Optional[bytes] = None,
        wrapping_key: Optional[bytes] = None,
    ) -> Custody:
        """Gives a custodian's share, the passphrase, or the wrapping key: one of them."""
        return self.call(control.Unseal(share, passphrase, wrapping_key))

    def forget(self) -> Custody:
        """Forgets the shares given so far."""
        return self.call(control.Forget())

    def seal(self) -> Custody:
        """Wipes every key from the daemon's memory."""
        return self.call(control.Seal())

    # What two admins must agree on.

    def propose(self, proposal: control.Propose) -> Proposal:
        """Proposes what another admin is to approve."""
        return self.call(proposal)

    def approve(self, digest: bytes) -> Proposal:
        """Approves another admin's proposal."""
        return self.call(control.Approve(digest))

    def withdraw(self, digest: bytes) -> Proposal:
        """Withdraws a proposal."""
        return self.call(control.Withdraw(digest))

    def proposals(self) -> Tuple[Proposal, ...]:
        """The proposals that wait."""
        return self.call(control.ShowProposals()).proposals

    def destroy_key(self, digest: bytes) -> Proposal:
        """Destroys the key of an approved proposal."""
        return self.call(control.DestroyKey(digest))

    def detokenize_all(self, digest: bytes, *, after: Optional[int] = None, limit: int = 100) -> Cards:
        """A page of all tokens with their cards, of an approved proposal."""
        return self.call(control.DetokenizeAll(limit, digest, after))

    def import_key(self, digest: bytes) -> Proposal:
        """Takes the key of an approved proposal in."""
        return self.call(control.ImportKey(digest))

    def give_component(self, digest: bytes, component: bytes, key_check_value: str) -> Proposal:
        """Gives one component of a key that is proposed to be assembled."""
        return self.call(control.GiveComponent(component, digest, key_check_value))

    def export_key(self, digest: bytes) -> str:
        """The key of an approved proposal, as a TR-31 key block."""
        return self.call(control.ExportKey(digest)).key_block


def connect_admin(
    path: Union[str, "os.PathLike[str]"],
    *,
    name: str = "python",
    timeout: float = 30.0,
    frame: int = 65_536,
    in_flight: int = 64,
    reconnect: bool = True,
) -> Admin:
    """Connects to the daemon's admin socket, as `connect` does to the other."""
    return Admin(
        os.fspath(path), name=name, timeout=timeout, frame=frame, in_flight=in_flight, reconnect=reconnect
    )
