namespace Sluice.Tests;

public class PlaceholderTests
{
    [Fact]
    public void Builds() => Assert.Equal("Sluice", typeof(Sluice.Marker).Namespace);
}
