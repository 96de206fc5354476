"""Texts of the kit that users of the CRM read: errors of forms and of requests."""

from __future__ import annotations

from . import marked as N_

TEXTS = (
    N_("The security token is missing. Reload the page and send the form again."),
    N_("The page was open for too long. Reload it and send the form again."),
    N_("The security token is not valid. Reload the page and send the form again."),
    N_("You have signed in or out since the page was loaded. Reload it and send the form again."),
    N_(
        "Your session has ended, or the browser does not keep cookies. "
        "Allow cookies for this site, reload the page and send the form again."
    ),
    N_(
        "The browser did not say which page the form was sent from. "
        "Allow it to send the referrer to this site."
    ),
    N_("The form was sent from another site."),
    N_("Nothing was saved yet. Check your entries and send them again."),
    N_(
        "Nothing was saved yet, because the page was open for too long. "
        "Check your entries and send them again."
    ),
    N_(
        "Nothing was saved yet, because you signed in or out after the page was loaded. "
        "Check your entries and send them again."
    ),
    N_(
        "Nothing was saved yet, because your session has ended or the browser does not keep "
        "cookies. Check your entries and send them again."
    ),
    N_(" Enter the passwords again."),
    N_(" Choose the files again."),
    N_("This is not available for a moment. Try again soon."),
)
