using Files.Driving;
using Files.Processors;

namespace Sluice.Samples.Tests.Files;

/// <summary>The verdict of samples/Files.</summary>
public class ReportTests
{
    [Theory]
    [InlineData(12, null, true)]
    [InlineData(11, null, false)]
    [InlineData(0, "is no text", false)]
    public void AFileThatItHasMadeMustHaveItsWords(long words, string? trouble, bool isRight)
    {
        Assert.Equal(isRight, Verdict(new(static path => path == "0000/000000.txt" ? 12 : 0), words, trouble));
        Assert.True(Verdict(new(expected: null), words, trouble));         // nobody knows what is in other files
    }

    private static bool Verdict(Books books, long words, string? trouble)
    {
        books.Add(new FileWords(0, "0000/000000.txt", words, trouble));
        return new Report(1, books.Indexed, books.Failed, books.Lost(1), books.Duplicated, books.Wrong, books.Words, 0, 0,
            new Dictionary<string, long>(), 0, 0, null, null, 0, 1, "", []).IsRight;
    }
}
