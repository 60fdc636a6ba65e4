using System.Globalization;
using Sluice.Policies;

namespace Sluice.Tests.Policies;

public class KeyTextTests
{
    private enum Side { Left = -1, Right = 1 }

    private enum Small : sbyte { Least = sbyte.MinValue }

    private enum Large : ulong { Most = ulong.MaxValue }

    /// <summary>State is stored under these texts. Some cultures have another sign: U+2212 in Swedish, a mark of direction in
    /// Hebrew.</summary>
    [Theory]
    [InlineData("-")]
    [InlineData("\u2212")]
    [InlineData("\u200E-")]
    public void AnEnumHasOneTextInAllCultures(string sign)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NegativeSign = sign;
        CultureInfo.CurrentCulture = culture;
        try
        {
            Assert.Equal(["-1", "1", "-128", "18446744073709551615"],
                [KeyText.Of(Side.Left), KeyText.Of(Side.Right), KeyText.Of(Small.Least), KeyText.Of(Large.Most)]);
            Assert.Equal("2:-11:7", KeyText.Of((Side.Left, 7)));
            Assert.Equal("-1", KeyText.Of(-1));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }
}
