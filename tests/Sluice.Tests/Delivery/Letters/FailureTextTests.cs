namespace Sluice.Tests.Delivery;

public class FailureTextTests
{
    [Fact]
    public void ACauseThatIsQuotedIsNotRepeated()
    {
        var root = new FormatException("a number was expected");
        var quoted = new InvalidOperationException("The row is broken: no amount", new FormatException("no amount", root));

        Assert.Equal("InvalidOperationException: The row is broken: no amount <- FormatException: a number was expected",
            FailureText.Of(quoted));
        Assert.Equal("FormatException: no amount <- FormatException: a number was expected", FailureText.Of(quoted.InnerException!));
    }

    [Fact]
    public void ACauseWithoutWordsIsNamed()
        => Assert.Equal("FormatException: no good <- TimeoutException: ", FailureText.Of(new FormatException("no good",
            new TimeoutException(""))));
}
