namespace Sluice.Tests.Pipelines;

public sealed class MixedExampleTests
{
    [Theory]
    [InlineData(ExecutionMode.SingleThread)]
    [InlineData(ExecutionMode.MultiThread)]
    public async Task TheChunksContainEveryGroupBehindARouteAndAMerge(ExecutionMode mode)
    {
        List<string> seen = [];
        int groups = 0;
        await Mixed(Source.From(Enumerable.Range(0, 1000)), more => groups += more).ForEach(seen.Add)
            .RunAsync(new RunOptions { Mode = mode });
        Assert.Equal(groups, seen.Sum(text => int.Parse(text.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.InRange(groups, 1, 3000);
    }

    private static Source<string> Mixed(Source<int> numbers, Action<int> count)
    {
        var evens = Pipe.Of<int>() | (n => n * 10);
        var odds = Pipe.Of<int>() | (n => n + 1);

        Source<int> routed = numbers.Route(Parity, ("even", s => s | evens), ("odd", s => s | odds));
        Source<int> both = numbers < [evens, odds] > (n => n);
        return Source.Merge(routed, both)
            .GroupBy(n => n % 7)
            .Do(_ => count(1))
            .Chunk(100, within: TimeSpan.FromSeconds(1))
            | (batch => $"{batch.Length} groups");
    }

    private static string Parity(int n) => n % 2 == 0 ? "even" : "odd";
}
