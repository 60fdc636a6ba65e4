namespace Sluice.Tests;

/// <summary>Numbers in messages: a hundred partitions in a row are a range.</summary>
public class NumberTextTests
{
    [Theory]
    [InlineData("the partition 3 was", 3)]
    [InlineData("the partitions 0 and 1 were", 1, 0)]
    [InlineData("the partitions 0 to 2 were", 0, 1, 2)]
    [InlineData("the partitions 0 to 2, 5 and 7 to 9 were", 9, 8, 7, 0, 1, 2, 5)]
    [InlineData("the partitions 1, 2 and 4 were", 4, 2, 1)]
    public void ConsecutiveNumbersAreARange(string text, params int[] numbers) => Assert.Equal(text, NumberText.Of(numbers, "partition"));
}
