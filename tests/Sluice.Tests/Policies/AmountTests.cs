namespace Sluice.Tests;

/// <summary>Amounts with their units, in messages.</summary>
public class AmountTests
{
    [Theory]
    [InlineData(0, "0 items")]
    [InlineData(1, "1 item")]
    [InlineData(2, "2 items")]
    [InlineData(1_000_000, "1,000,000 items")]
    public void ACountHasItsUnitInSingularOrPlural(long count, string text) => Assert.Equal(text, Amounts.Of(count, "item"));

    [Theory]
    [InlineData("00:00:01", "1 second", "1 second")]
    [InlineData("00:00:00.500", "0.5 seconds", "0 seconds")]
    [InlineData("00:00:01.400", "1.4 seconds", "1 second")]
    [InlineData("00:01:30", "90 seconds", "90 seconds")]
    [InlineData("00:02:00", "2 minutes", "2 minutes")]
    [InlineData("00:02:30", "150 seconds", "2 minutes")]
    [InlineData("01:00:00", "60 minutes", "60 minutes")]
    [InlineData("49.00:00:00", "70,560 minutes", "70,560 minutes")]
    public void ALimitIsExactAndAMeasuredTimeIsRounded(string time, string limit, string measured)
    {
        TimeSpan span = TimeSpan.Parse(time, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal((limit, measured), (Amounts.Exactly(span), Amounts.About(span)));
    }
}
