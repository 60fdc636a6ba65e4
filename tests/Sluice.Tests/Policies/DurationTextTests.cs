using Sluice.Policies;

namespace Sluice.Tests;

/// <summary>Durations as errors and drawings show them.</summary>
public class DurationTextTests
{
    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(0.5, "0.5 ms")]
    [InlineData(80, "80 ms")]
    [InlineData(999, "999 ms")]
    [InlineData(1_000, "1 s")]
    [InlineData(1_500, "1.5 s")]
    [InlineData(59_999, "59.999 s")]
    [InlineData(60_000, "1 min")]
    [InlineData(90_000, "0:01:30")]
    [InlineData(300_000, "5 min")]
    [InlineData(3_600_000, "1 h")]
    [InlineData(86_400_000, "24 h")]
    [InlineData(864_000_000, "10:0:00:00")]
    [InlineData(-1_000, "-1 s")]
    public void ADurationHasOneUnitIfItIsShortInIt(double milliseconds, string text)
        => Assert.Equal(text, DurationText.Of(TimeSpan.FromMilliseconds(milliseconds)));
}
