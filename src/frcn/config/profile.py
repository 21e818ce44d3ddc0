"""What the cells of a profile share."""

from frcn.config.data import Data
from frcn.config.proposals import Proposals
from frcn.config.strict import Name, Strict


class Profile(Strict):
    """The sections that are shared by all cells of a profile."""

    profile: Name
    data: Data


class ProfileProposals(Profile):
    """One proposal list of a profile."""

    proposals: Proposals
