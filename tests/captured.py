"""Frames that browsers sent years ago, captured on the wire: these very bytes are replayed."""

from __future__ import annotations

from base64 import b64decode

HELLO = b"\x81\x85s\x92a\x10\x1b\xf7\r|\x1c"
DIGITS = b"\x81\x83H\xc0x\xa6y\xf2K"
CHINESE = b"\x81\x89\xf3\x99\x81-\x15\x05\x01\xcbO\x1be\x97]"
MEMORIAL = b64decode(
    """
    gf4C3I3oLbJobaVXNXXIOhYMlShrdIdXAGLFMgEMlR9kab5XOUHLHA8HkT5pU6dXKUHJCgYMlTtoYKtdMWTKKQcNmixq
    fp9XMWLCDgEOgBZlR7dXAFnLMigNgCppUoxWNGPKFQYMlC1uaK9VCV7JDAANoBlpUaZaCkvJCgAOqjppUqNXC23CDgEN
    khJoV7pWNGPIESYNkiplUoZWN2bIFhsArTdiVKFVFn7FDTANqDpoULBWNGPLHAcBrDViVKFUIVrLOCgMlDlpUqNbFHPJ
    CgYMlC1uaK9aInLIHBENkTJoVI1XEUvIIiEHkT5pU4hXCGHINwUNlS9kabpXM1/CDgEOrBBoVLVXMn/IESYMlDlrWLld
    MWTJCgANgy5oTqlaCkLFPT8AuzZiVKFXMX3IJDYNiQNpUaRdMWTJCSgNjCxoV41aPWfJCwYAmh1pUbJRDWrIHCYMlR9o
    UrFWNUXCDgEMkgNpUJdWNWjJDx4HkT5kcbJVMHLFNSoNvRRiVKFWNWXIHBENkTBoeKFRDWrFOSgOsTtpVbFXKFDKOCIP
    iiNoZ6dWNVLIDS0NuzZlaKhdMWTIHBEMliprdKRXAlDFHDcNqARoYLxaOGfCDgEMlhdrcIBbFHPJCgYNlAFrcKNWNGPK
    IgsHkT5pUKBXI3TIMwIPijNiVKFWMFfINAgNiSRoVK9UPn3JCxILrTBpVqBWNUXOMgwMkz9ka6NbDkXLJjUMlDluaKxa
    OVHKFwMLrTNleY5XCGnKHwQHkT5rRYlVF27FOyINgyxiVKFXMn/FKxwNkhJqUoJdMWTLKiIMlhdobaVXNXXKHA0OpiZp
    U4hbDH/EKxYMlTluaK9UCXLJCSgMlQhoRoZWNUXJCwYMlzliVKFWN2PLJS0NiRVoWKJdMWTLMAQMlhdoeoVWNGPCDgEP
    qQRoeKNUG1XFEwEHkT5oV6haDlXFESUAjBdkcLRUMWfCDgEOsTtrYa1XNFfKKQcLrTA=
    """
)  # 244 characters of a memorial to the throne of the year 227, 732 bytes
MEMORIAL_TEXT = (
    "先帝创业未半而中道崩殂，今天下三分，益州疲弊，此诚危急存亡之秋也。然侍卫之臣不懈于内，忠志"
    "之士忘身于外者，盖追先帝之殊遇，欲报之于陛下也。诚宜开张圣听，以光先帝遗德，恢弘志士之气，"
    "不宜妄自菲薄，引喻失义，以塞忠谏之路也。宫中府中，俱为一体，陟罚臧否，不宜异同。若有作奸犯"
    "科及为忠善者，宜付有司论其刑赏，以昭陛下平明之理，不宜偏私，使内外异法也。侍中、侍郎郭攸之"
    "、费祎、董允等，此皆良实，志虑忠纯，是以先帝简拔以遗陛下。愚以为宫中之事，事无大小，悉以咨"
    "之，然后施行，必能裨补阙漏，有所广益。"
)

CAPTURED = {HELLO: "hello", DIGITS: "123", CHINESE: "最漂亮", MEMORIAL: MEMORIAL_TEXT}
