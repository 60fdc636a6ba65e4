namespace Sluice.Architecture.Tests;

/// <summary>A file holds one idea and can be read in one sitting.</summary>
public class FileSizeTests
{
    private const int Longest = 300;
    private const int MedianBelow = 120;

    [Fact]
    public void NoFileIsLongerThanThreeHundredLines()
    {
        var tooLong = new[] { "src", "tests", "samples", "bench" }.SelectMany(Sizes)
            .Where(file => file.Lines > Longest)
            .OrderByDescending(file => file.Lines)
            .Select(file => $"{file.Path}: {file.Lines} lines")
            .ToList();

        Assert.True(tooLong.Count == 0, $"Longer than {Longest} lines; split them by idea:\n{string.Join('\n', tooLong)}");
    }

    [Fact]
    public void TheMedianFileOfTheLibraryIsShort()
    {
        var sizes = Sizes("src").Select(file => file.Lines).Order().ToList();

        Assert.InRange(sizes[sizes.Count / 2], 1, MedianBelow - 1);
    }

    private static IEnumerable<(string Path, int Lines)> Sizes(string area)
        => Repository.Files(area, "*.cs").Select(path => (path, Repository.Read(path).AsSpan().TrimEnd('\n').Count('\n') + 1));
}
